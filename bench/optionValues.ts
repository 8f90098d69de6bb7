/** Values on the benchmarks' command lines. */

import { InvalidArgumentError, Option } from 'commander';
import { PRECISIONS } from '../src/engine/engine.js';
import { isPresetName } from '../src/model/index.js';

export function listOf<T>(parse: (text: string) => T): (text: string) => T[] {
  return (text) => text.split(',').map((item) => parse(item.trim()));
}

export function positive(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError(`${text} is not a positive integer.`);
}

export function nonNegative(text: string): number {
  const value = Number(text);
  if (text !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidArgumentError(`${text} is not a number of at least 0.`);
}

export function modelName(text: string): string {
  if (isPresetName(text)) return text;
  throw new InvalidArgumentError(`${text} is not a model.`);
}

export const precisionOption = (): Option =>
  new Option('--precision <type>', 'type of the operands of convolutions').choices(PRECISIONS).default('f32');
