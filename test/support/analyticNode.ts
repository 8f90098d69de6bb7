/**
 * A node whose "engine" is a simple formula: the loss of a sample with label t is ½ |p - c(t)|², so its gradient is
 * p - c(t). As with an engine, every answer is a pure function of (parameters, item).
 */

import type { Fleet } from '../../src/coordinator/index.js';
import type {
  CoordinatorMessage,
  Evaluate,
  Evaluated,
  Hello,
  NodeMessage,
  Parameters,
  Result,
  Work,
} from '../../src/protocol/index.js';
import { hello } from './messages.js';
import { hash32 } from './numbers.js';
import { ScriptedNode } from './scriptedNode.js';

/** c(label) for parameter `index`, in [-1, 1). */
export function target(label: number, index: number): number {
  return Math.fround(hash32(label * 1_000_003 + index) / 2 ** 31 - 1);
}

const targets = new Map<number, Float32Array>();

/** c(label), cached: tests ask for it often. */
function targetsOf(label: number, length: number): Float32Array {
  const known = targets.get(label);
  if (known && known.length >= length) return known;
  const made = Float32Array.from({ length }, (_, index) => target(label, index));
  targets.set(label, made);
  return made;
}

/** The gradient sum of a micro-batch, in float64. */
export function gradientSumOf(parameters: Float32Array, labels: Uint8Array): Float64Array {
  const sum = new Float64Array(parameters.length);
  for (const label of labels) {
    const centre = targetsOf(label, parameters.length);
    for (let index = 0; index < sum.length; index++) sum[index]! += parameters[index]! - centre[index]!;
  }
  return sum;
}

/** The statistics of a micro-batch: its mean pixel in [0, 1], plus the statistic's index. */
export function meanPixelOf(pixels: Uint8Array): number {
  return pixels.reduce((sum, pixel) => sum + pixel, 0) / pixels.length / 255;
}

/** The number of a chunk's samples that count as correct: a pure function of the first parameter's bits and the labels. */
export function correctOf(parameters: Float32Array, labels: Uint8Array): number {
  const bits = new Uint32Array(Float32Array.of(parameters[0]!).buffer)[0]!;
  return labels.filter((label) => hash32(bits + label) % 3 === 0).length;
}

export function floatsOf(bytes: Uint8Array): Float32Array {
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

const bytesOf = (values: Float32Array): Uint8Array => new Uint8Array(values.buffer);

export function resultOf(item: Work, { parameters, statistics }: Parameters): Result {
  const weights = floatsOf(parameters);
  const sampleCount = item.labels.length;
  const mean = meanPixelOf(item.pixels);
  const statisticCount = statistics.byteLength / 4;
  return {
    type: 'result',
    step: item.step,
    microBatch: item.microBatch,
    sampleCount,
    lossSum: sampleCount * Math.abs(weights[0]!),
    correct: correctOf(weights, item.labels),
    gradientSum: bytesOf(Float32Array.from(gradientSumOf(weights, item.labels))),
    statisticSum: bytesOf(
      Float32Array.from({ length: statisticCount }, (_, index) => sampleCount * (mean + index)),
    ),
  };
}

export function evaluatedOf(item: Evaluate, { parameters }: Parameters): Evaluated {
  const weights = floatsOf(parameters);
  const sampleCount = item.labels.length;
  return {
    type: 'evaluated',
    evaluation: item.evaluation,
    chunk: item.chunk,
    sampleCount,
    lossSum: sampleCount * 0.5 + item.chunk / 8,
    correct: correctOf(weights, item.labels),
    ...(item.wantsLogits ? { logits: bytesOf(logitsOf(item.labels)) } : {}),
  };
}

const CLASS_COUNT = 10;

/** Of ten classes: what the sample's label and the class decide. */
export function logitsOf(labels: ArrayLike<number>): Float32Array {
  return Float32Array.from(
    { length: CLASS_COUNT * labels.length },
    (_, index) => labels[Math.floor(index / CLASS_COUNT)]! + (index % CLASS_COUNT) / 8,
  );
}

/** The node's answer to an item; undefined: none. */
export type Answerer = (item: Work | Evaluate, state: Parameters) => NodeMessage | undefined;

export const honest: Answerer = (item, state) =>
  item.type === 'work' ? resultOf(item, state) : evaluatedOf(item, state);

/** A node that computes by the formula, or by `answerer` if given. Answers at once, in order. */
export function analyticNode(
  fleet: Fleet,
  change: Partial<Hello> = {},
  answerer: Answerer = honest,
): ScriptedNode {
  const node = new ScriptedNode(fleet);
  let state: Parameters | undefined;
  node.onMessage = (message: CoordinatorMessage): void => {
    if (message.type === 'parameters') {
      // A copy, as in a real node: the coordinator changes its vectors later.
      const { parameters, statistics } = message;
      state = { ...message, parameters: parameters.slice(), statistics: statistics.slice() };
    }
    if (message.type !== 'work' && message.type !== 'evaluate') return;
    const answer = answerer(message, state!);
    if (answer) node.send(answer);
  };
  node.send(hello(change));
  return node;
}
