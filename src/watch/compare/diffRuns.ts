/** In what two runs differ: options, data, versions, numerics, and the first epoch after which their weights do. */

import path from 'node:path';
import { RECIPE_OPTIONS } from '../../coordinator/index.js';
import { readEpochs } from '../folders/history.js';
import { readSmallJson } from '../folders/smallJson.js';

export interface Difference {
  /** Such as `lr` or `versions.node`. */
  readonly key: string;
  /** JSON values; undefined: the run's config.json does not have the key. */
  readonly a: unknown;
  readonly b: unknown;
}

export type WeightsComparison =
  /** No epoch was completed by both. */
  | { readonly verdict: 'unknown' }
  /** Bit for bit, after every epoch that both have completed. */
  | { readonly verdict: 'equal'; readonly epochs: number }
  /** `epoch`: the first after which they differ; `equalEpochs` before it were equal. */
  | { readonly verdict: 'different'; readonly epoch: number; readonly equalEpochs: number };

export interface RunDiff {
  readonly a: string;
  readonly b: string;
  /** What decides the weights. */
  readonly recipe: readonly Difference[];
  /** What does not: where the data lie, how many workers, versions, the machine. */
  readonly surroundings: readonly Difference[];
  readonly weights: WeightsComparison;
  /** Final weights of both results; null unless both runs have one. */
  readonly finalWeightsEqual: boolean | null;
}

/** Where kernels may give other bits than those of the recipe alone say. */
const NUMERICS = ['numerics', 'precision'] as const;

/** Taken from the definitions, so that a new setting that changes no bit needs no entry here. */
const DECIDING: ReadonlySet<string> = new Set([...Object.keys(RECIPE_OPTIONS), ...NUMERICS]);

export async function diffRuns(a: string, b: string): Promise<RunDiff> {
  const differences = differencesOf(flatten(configOf(a)), flatten(configOf(b)));
  const isDeciding = ({ key }: Difference): boolean => DECIDING.has(key.split('.')[0]!);
  const [resultA, resultB] = [a, b].map((folder) => readSmallJson(path.join(folder, 'result.json')));
  return {
    a,
    b,
    recipe: differences.filter(isDeciding),
    surroundings: differences.filter((difference) => !isDeciding(difference)),
    weights: compareWeights(await digestsByEpoch(a), await digestsByEpoch(b)),
    finalWeightsEqual: resultA && resultB ? resultA['weightsSha256'] === resultB['weightsSha256'] : null,
  };
}

function compareWeights(a: ReadonlyMap<number, string>, b: ReadonlyMap<number, string>): WeightsComparison {
  const shared = [...a.keys()].filter((epoch) => b.has(epoch)).sort((one, other) => one - other);
  if (shared.length === 0) return { verdict: 'unknown' };
  const firstDifferent = shared.findIndex((epoch) => a.get(epoch) !== b.get(epoch));
  if (firstDifferent < 0) return { verdict: 'equal', epochs: shared.length };
  return { verdict: 'different', epoch: shared[firstDifferent]!, equalEpochs: firstDifferent };
}

async function digestsByEpoch(folder: string): Promise<ReadonlyMap<number, string>> {
  const epochs = await readEpochs(folder);
  return new Map(
    epochs.flatMap(({ epoch, weightsSha256 }) =>
      weightsSha256 === null ? [] : [[epoch, weightsSha256] as const],
    ),
  );
}

function configOf(folder: string): Readonly<Record<string, unknown>> {
  return readSmallJson(path.join(folder, 'config.json')) ?? {};
}

/** One level deep: `{"versions": {"node": …}}` becomes `versions.node`. */
function flatten(config: Readonly<Record<string, unknown>>): ReadonlyMap<string, unknown> {
  return new Map(
    Object.entries(config).flatMap(([key, value]): (readonly [string, unknown])[] =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.entries(value).map(([inner, text]) => [`${key}.${inner}`, text] as const)
        : [[key, value] as const],
    ),
  );
}

function differencesOf(
  a: ReadonlyMap<string, unknown>,
  b: ReadonlyMap<string, unknown>,
): readonly Difference[] {
  const keys = new Set([...a.keys(), ...b.keys()]);
  return [...keys]
    .filter((key) => JSON.stringify(a.get(key)) !== JSON.stringify(b.get(key)))
    .map((key) => ({ key, a: a.get(key), b: b.get(key) }));
}
