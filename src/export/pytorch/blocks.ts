/**
 * Finds the parts of a network that a reader would write as a class: layers in a row that share a prefix, read one layer
 * from outside, and are read at their last layer only.
 */

import type { Layer } from '../../model/index.js';
import { inputsOf } from '../forms.js';
import { isModule } from './names.js';

/** Layers from `first` to before `end`. */
export interface Block {
  /** Of the module, such as stack1, block1. */
  readonly path: readonly string[];
  readonly first: number;
  readonly end: number;
  /** The one layer that it reads, or the images. */
  readonly input: number;
}

/** @param paths the modules of the layers */
export function findBlocks(
  layers: readonly Layer[],
  paths: readonly (readonly string[])[],
): readonly Block[] {
  const blocks: Block[] = [];
  for (let first = 0; first < layers.length;) {
    const prefix = parentOf(paths[first]!);
    let end = first + 1;
    while (end < layers.length && parentOf(paths[end]!) === prefix) end++;
    const block = prefix === '' ? undefined : blockOf(layers, paths, first, end);
    if (block) blocks.push(block);
    first = end;
  }
  return blocks;
}

function parentOf(path: readonly string[]): string {
  return path.slice(0, -1).join('.');
}

function blockOf(
  layers: readonly Layer[],
  paths: readonly (readonly string[])[],
  first: number,
  end: number,
): Block | undefined {
  const path = paths[first]!.slice(0, -1);
  const isInside = (index: number): boolean => index >= first && index < end;
  const readFromOutside = new Set(
    layers
      .slice(first, end)
      .flatMap(inputsOf)
      .filter((index) => !isInside(index)),
  );
  const isReadEarly = layers.some(
    (layer, index) =>
      !isInside(index) && inputsOf(layer).some((input) => isInside(input) && input !== end - 1),
  );
  const prefix = `${path.join('.')}.`;
  const isSplit = paths.some((other, index) => !isInside(index) && `${other.join('.')}.`.startsWith(prefix));
  const hasModules = layers.slice(first, end).some(isModule);
  const [input] = readFromOutside;
  if (readFromOutside.size !== 1 || isReadEarly || isSplit || !hasModules || end - first < 2)
    return undefined;
  return { path, first, end, input: input! };
}

/** Blocks in a row with one parent, each reading the one before it: a parent that holds nothing else is an nn.Sequential. */
export function findSequences(
  layers: readonly Layer[],
  paths: readonly (readonly string[])[],
  blocks: readonly Block[],
): readonly (readonly Block[])[] {
  const runs: Block[][] = [];
  for (const block of blocks) {
    const before = runs.at(-1)?.at(-1);
    const follows = before?.end === block.first && block.input === before.end - 1;
    if (follows && parentOf(block.path) === parentOf(before.path)) runs.at(-1)!.push(block);
    else runs.push([block]);
  }
  return runs.filter((run) => {
    const parent = parentOf(run[0]!.path);
    const [first, end] = [run[0]!.first, run.at(-1)!.end];
    const isInside = (index: number): boolean => index >= first && index < end;
    const isShared = layers.some(
      (_, index) => !isInside(index) && `${paths[index]!.join('.')}.`.startsWith(`${parent}.`),
    );
    return parent !== '' && !isShared && isReadAtItsEnd(layers, run);
  });
}

/** Whether nothing but the next block reads a block before the last. */
function isReadAtItsEnd(layers: readonly Layer[], run: readonly Block[]): boolean {
  const inner = run.slice(0, -1).map(({ end }) => end);
  return inner.every((end, place) => {
    const next = run[place + 1]!;
    return layers.every(
      (layer, index) =>
        (index >= next.first && index < next.end) || !inputsOf(layer).includes(end - 1) || index < end,
    );
  });
}
