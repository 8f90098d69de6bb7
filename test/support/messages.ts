/** One valid message of each type, with a way to vary it. */

import { createHash } from 'node:crypto';
import { buildModel, networkText } from '../../src/model/index.js';
import { LOCKSTEP_VERSION } from '../../src/protocol/index.js';
import { PROTOCOL_VERSION } from '../../src/protocol/index.js';
import type {
  Bye,
  CoordinatorMessage,
  Evaluate,
  Evaluated,
  Failed,
  Hello,
  NodeMessage,
  Parameters,
  Refused,
  Result,
  Sum,
  Welcome,
  Work,
  Workers,
} from '../../src/protocol/index.js';

/** Nodes of different names are different nodes. */
export function secretOf(nodeName: string): string {
  return createHash('md5').update(nodeName).digest('hex');
}

export function hello(change: Partial<Hello> = {}): Hello {
  return {
    type: 'hello',
    protocolVersion: PROTOCOL_VERSION,
    lockstepVersion: LOCKSTEP_VERSION,
    nodeName: 'node',
    nodeSecret: secretOf(change.nodeName ?? 'node'),
    engine: 'wasm',
    device: 'a processor, 2 threads',
    numericsClass: 'test-class',
    exact: true,
    threads: 1,
    ...change,
  };
}

export function welcome(change: Partial<Welcome> = {}): Welcome {
  return {
    type: 'welcome',
    runName: 'a run',
    lockstepVersion: LOCKSTEP_VERSION,
    network: networkText(buildModel('resnet8')),
    mean: [0.49, 0.48, 0.45],
    standardDeviation: [0.25, 0.24, 0.26],
    cropPadding: 4,
    border: 'zero',
    cutout: 0,
    colourJitter: 0,
    mixup: 0,
    labelSmoothing: 0,
    evaluationStatistics: 'running',
    evaluationViews: 'none',
    wire: 'float32',
    ...change,
  };
}

export function parameters(change: Partial<Parameters> = {}): Parameters {
  return {
    type: 'parameters',
    version: 7,
    wire: 'float32',
    parameters: Uint8Array.of(0, 0, 128, 63, 0, 0, 0, 192),
    statistics: Uint8Array.of(0, 0, 0, 63),
    ...change,
  };
}

export function work(change: Partial<Work> = {}): Work {
  return {
    type: 'work',
    step: 3,
    microBatch: 1,
    pixels: Uint8Array.from({ length: 2 * 3072 }, (_, index) => index % 256),
    labels: Uint8Array.of(4, 9),
    augmentationKey: [1, 0xffffffff],
    mirrored: null,
    dropoutKey: [0, 2 ** 31],
    roundingKey: null,
    ...change,
  };
}

export function evaluateMessage(change: Partial<Evaluate> = {}): Evaluate {
  return {
    type: 'evaluate',
    evaluation: 5,
    chunk: 2,
    pixels: new Uint8Array(3072),
    labels: Uint8Array.of(0),
    ...change,
  };
}

export function result(change: Partial<Result> = {}): Result {
  return {
    type: 'result',
    step: 3,
    microBatch: 1,
    sampleCount: 2,
    lossSum: 4.605170185988092,
    correct: 1,
    gradientSum: Uint8Array.of(0, 0, 128, 63, 0, 0, 0, 192),
    statisticSum: Uint8Array.of(0, 0, 0, 63),
    ...change,
  };
}

export function sum(change: Partial<Sum> = {}): Sum {
  const { step, gradientSum, statisticSum } = result();
  const leaf = { sampleCount: 2, lossSum: 4.605170185988092, correct: 1 };
  return { type: 'sum', step, microBatch: 6, leaves: [leaf, leaf], gradientSum, statisticSum, ...change };
}

export function evaluated(change: Partial<Evaluated> = {}): Evaluated {
  return { type: 'evaluated', evaluation: 5, chunk: 2, sampleCount: 1, lossSum: 0.25, correct: 1, ...change };
}

export function failed(change: Partial<Failed> = {}): Failed {
  return { type: 'failed', item: 'work', round: 3, index: 1, reason: 'out of memory', ...change };
}

export function bye(change: Partial<Bye> = {}): Bye {
  return { type: 'bye', runEnded: true, reason: 'the run has ended', ...change };
}

export function refused(change: Partial<Refused> = {}): Refused {
  return { type: 'refused', code: 'E_PROTOCOL', reason: 'no', ...change };
}

export function workers(change: Partial<Workers> = {}): Workers {
  const { engine, device, numericsClass, exact, threads } = hello();
  return { type: 'workers', engine, device, numericsClass, exact, threads, ...change };
}

export const NODE_MESSAGES: readonly NodeMessage[] = [
  hello(),
  workers(),
  workers({ threads: 0 }),
  result(),
  sum(),
  evaluated(),
  failed(),
  { type: 'drain' },
];

export const COORDINATOR_MESSAGES: readonly CoordinatorMessage[] = [
  welcome(),
  parameters(),
  parameters({ wire: 'bfloat16' }),
  work(),
  work({ augmentationKey: null, roundingKey: [7, 2 ** 32 - 1] }),
  evaluateMessage(),
  { type: 'cancel', item: 'evaluate', round: 5, index: 2 },
  { type: 'apart', step: 3, microBatch: 2 },
  bye(),
  refused(),
];
