/** The weights that a new run begins with: of a run, of a checkpoint, or of a file in PyTorch's names. */

import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { decodeSafetensors, isDigest } from '../coordinator/index.js';
import type { InitialTensors } from '../coordinator/index.js';
import { readRegularFile } from '../data/index.js';
import { fromPytorchValues, pytorchTensors } from '../export/index.js';
import type { PytorchTensor } from '../export/index.js';
import { describeError, LockstepError } from '../foundation/errors.js';
import { OptionError, use } from '../foundation/options/optionError.js';
import { printable } from '../foundation/printable.js';
import { digestState, NETWORK_LIMITS, tensorView } from '../model/index.js';
import type { Model } from '../model/index.js';
import { readForEvaluation } from './evaluatedCheckpoint.js';
import type { EvaluatedCheckpoint } from './evaluatedCheckpoint.js';
import { unreadableWeights, weightsOfExport } from './exportedWeights.js';

/** Weights that were read, before the network is known that they are for. */
export interface InitialWeights {
  /** As given. */
  readonly file: string;
  /** Stands in the recipe: of a run's weights, or of a file that is not Lockstep's. */
  readonly digest: string;
  /** Of all tensors. */
  readonly names: readonly string[];
  /** Undefined: the file does not say. */
  readonly classNames: readonly string[] | undefined;
  /** @returns what there is for a tensor of a network; undefined for nothing */
  readonly find: (tensor: PytorchTensor) => FoundTensor | undefined;
}

export interface FoundTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** That the network needs, in the order in which `shape` is. */
  readonly needed: readonly number[];
  /** The place of the outputs in both shapes. */
  readonly outputs: number;
  /** In Lockstep's order; only if the shapes are equal. */
  readonly values: () => Float32Array;
}

/** The four float32 vectors of the largest network, its statistics, and a header. */
const MOST_BYTES = 4 * (4 * NETWORK_LIMITS.parameters + 3 * NETWORK_LIMITS.statistics) + (16 << 20);
const LOCKSTEP_METADATA = 'lockstep';
/** What PyTorch counts beside the statistics of batch normalisation; nothing here reads it. */
const COUNTER = /(^|\.)num_batches_tracked$/;
/** What wrappers put before all names. */
const WRAPPERS = /^(module\.|_orig_mod\.)+/;

/** @throws LockstepError E_CHECKPOINT for a file that is missing or unusable, E_OPTION for a digest in the place of a file */
export async function readInitialWeights(given: string): Promise<InitialWeights> {
  if (isDigest(given)) {
    throw new OptionError(
      [{ option: 'init', value: given }, ' says which weights the run began with, not where they are'],
      [use('init', 'runs/first')],
    );
  }
  if (!existsSync(given)) {
    throw new LockstepError(
      'E_CHECKPOINT',
      `there are no weights ${given} to begin with; give a run folder, a checkpoint, or a .safetensors file`,
    );
  }
  if (statSync(given).isDirectory()) {
    const exported = existsSync(path.join(given, 'checkpoints')) ? undefined : weightsOfExport(given);
    if (exported !== undefined) return readInitialWeights(exported);
    return ofCheckpoint(given, await readForEvaluation(given));
  }
  const unreadable = unreadableWeights(given);
  if (unreadable) throw unreadable;
  let bytes: Buffer;
  try {
    bytes = await readRegularFile(given, checkSize);
  } catch (error) {
    throw new LockstepError('E_CHECKPOINT', `cannot read the weights ${given}: ${describeError(error)}`);
  }
  const content = decodeSafetensors(bytes, given, (name) => COUNTER.test(name));
  if (Object.hasOwn(content.metadata, LOCKSTEP_METADATA)) {
    return ofCheckpoint(given, await readForEvaluation(given));
  }
  const byName = new Map(content.tensors.map((tensor) => [tensor.name.replace(WRAPPERS, ''), tensor]));
  return {
    file: given,
    digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    names: [...byName.keys()],
    classNames: undefined,
    find: ({ name, shape: needed, spec }) => {
      const tensor = byName.get(name);
      const values = (): Float32Array => fromPytorchValues(spec, tensor!.values);
      return tensor && { name, shape: tensor.shape, needed, outputs: 0, values };
    },
  };
}

function ofCheckpoint(given: string, { checkpoint, state }: EvaluatedCheckpoint): InitialWeights {
  const { layout, classNames } = checkpoint.model;
  const vectors = [
    [layout.parameters, state.parameters],
    [layout.statistics, state.statistics],
  ] as const;
  const byName = new Map(
    vectors.flatMap(([specs, vector]) => specs.map((spec) => [spec.name, { spec, vector }] as const)),
  );
  return {
    file: given,
    digest: `sha256:${digestState(state)}`,
    names: [...byName.keys()],
    classNames,
    find: ({ spec: { name, shape: needed } }) => {
      const found = byName.get(name);
      const values = (): Float32Array => tensorView(found!.vector, found!.spec);
      return found && { name, shape: found.spec.shape, needed, outputs: needed.length - 1, values };
    },
  };
}

function checkSize(byteCount: number): void {
  if (byteCount > MOST_BYTES) throw new Error(`it has ${byteCount} bytes, more than any network`);
}

export interface FittedWeights {
  readonly tensors: InitialTensors;
  /** The last layer, if it starts anew. */
  readonly remade: string | undefined;
}

/**
 * The tensors for a network. Its last layer starts anew, from the seed, where the classes are others, or as many as the file
 * has no weights for. Every other tensor must be there, in its shape.
 * @throws LockstepError E_CHECKPOINT
 */
export function fitWeights(weights: InitialWeights, model: Model): FittedWeights {
  const head = model.layers.findLast((layer) => 'weight' in layer);
  const isOfHead = ({ spec }: PytorchTensor): boolean =>
    head !== undefined && 'weight' in head && [head.weight, head.bias].includes(spec);
  const refuse = (what: string): never => {
    throw new LockstepError(
      'E_CHECKPOINT',
      `the weights of ${weights.file} do not fit the network ${model.name}: ${what}; only the last layer may differ, in its outputs. Use the network that they are of, or other weights`,
    );
  };
  const tensors = new Map<string, Float32Array>();
  const used = new Set<string>();
  let isRemade = weights.classNames !== undefined && !sameNames(weights.classNames, model.classNames);
  for (const tensor of pytorchTensors(model)) {
    const found = weights.find(tensor);
    if (!found) {
      if (!isOfHead(tensor)) refuse(`they hold no tensor ${tensor.spec.name}`);
      isRemade = true;
      continue;
    }
    used.add(found.name);
    const differing = differingAxes(found);
    if (differing.length > 0) {
      const mayDiffer = isOfHead(tensor) && differing.every((axis) => axis === found.outputs);
      if (!mayDiffer) {
        refuse(
          `tensor ${found.name} is ${found.shape.join('x')} there, and ${found.needed.join('x')} is needed`,
        );
      }
      isRemade = true;
    } else tensors.set(tensor.spec.name, found.values());
  }
  const odd = weights.names.find((name) => !used.has(name));
  if (odd !== undefined) refuse(`the network has no place for their tensor ${printable(odd, 100)}`);
  for (const [name, values] of tensors) {
    if (!values.every(Number.isFinite)) refuse(`tensor ${name} is not finite`);
  }
  if (isRemade)
    pytorchTensors(model)
      .filter(isOfHead)
      .forEach(({ spec }) => tensors.delete(spec.name));
  return { tensors, remade: isRemade ? head?.name : undefined };
}

/** A shape of another length differs everywhere. */
function differingAxes({ shape, needed }: FoundTensor): readonly number[] {
  if (shape.length !== needed.length) return [-1];
  return needed.flatMap((size, axis) => (size === shape[axis] ? [] : [axis]));
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, label) => name === b[label]);
}
