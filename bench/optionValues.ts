/** How the benchmarks' command lines read their values. */

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

export function modelName(text: string): string {
  if (isPresetName(text)) return text;
  throw new InvalidArgumentError(`There is no model ${text}.`);
}

export const precisionOption = (): Option =>
  new Option('--precision <type>', 'of what convolutions multiply').choices(PRECISIONS).default('f32');
