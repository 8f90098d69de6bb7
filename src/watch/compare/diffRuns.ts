/** In what two runs differ: options, data, versions, numerics, and the first epoch after which their weights do. */

import path from 'node:path';
import { readStoredSamples, RECIPE_OPTIONS } from '../../coordinator/index.js';
import { isRecord } from '../../foundation/isRecord.js';
import { History } from '../folders/history.js';
import type { EpochPoint } from '../folders/runData.js';
import { readSmallJson } from '../folders/smallJson.js';
import type { Json } from '../folders/smallJson.js';

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

/** By the digests of samples and labels in the checkpoints. `unknown`: a run has no checkpoint that holds them. */
export type DataComparison =
  | { readonly verdict: 'unknown' | 'equal' }
  /** Such as `training.images`. */
  | { readonly verdict: 'different'; readonly differences: readonly Difference[] };

export interface RunDiff {
  readonly a: string;
  readonly b: string;
  /** What decides the weights. */
  readonly recipe: readonly Difference[];
  /** What does not: where the data lie, how many workers, versions, the machine. */
  readonly surroundings: readonly Difference[];
  /** Of what computed the gradients: `engine`, `numericsClasses`, `exact`. Undefined: the run does not say yet. */
  readonly numerics: readonly Difference[];
  readonly data: DataComparison;
  readonly weights: WeightsComparison;
  /** Final weights of both results; null unless both runs have one. */
  readonly finalWeightsEqual: boolean | null;
  /** Both have ended, after the same epochs, and the weights were equal after each of them and at the end. */
  readonly equalToTheBit: boolean;
}

/** Where kernels may give other bits than those of the recipe alone say. */
const NUMERICS = ['numerics', 'precision'] as const;

/** Taken from the definitions, so that a new setting that changes no bit needs no entry here. */
const DECIDING: ReadonlySet<string> = new Set([...Object.keys(RECIPE_OPTIONS), ...NUMERICS]);

const CHECKPOINTS = ['last', 'previous', 'best'] as const;

export async function diffRuns(a: string, b: string): Promise<RunDiff> {
  const [runA, runB] = [await readRun(a), await readRun(b)];
  const differences = differencesOf(flatten(runA.config), flatten(runB.config));
  const isDeciding = ({ key }: Difference): boolean => DECIDING.has(key.split('.')[0]!);
  const weights = compareWeights(digestsByEpoch(runA.epochs), digestsByEpoch(runB.epochs));
  const finalWeightsEqual =
    runA.result && runB.result ? runA.result['weightsSha256'] === runB.result['weightsSha256'] : null;
  const areAsLong = runA.epochs.at(-1)?.epoch === runB.epochs.at(-1)?.epoch;
  return {
    a,
    b,
    recipe: differences.filter(isDeciding),
    surroundings: differences.filter((difference) => !isDeciding(difference)),
    numerics: differencesOf(runA.numerics, runB.numerics),
    data: compareData(runA.samples, runB.samples),
    weights,
    finalWeightsEqual,
    equalToTheBit: areAsLong && weights.verdict === 'equal' && finalWeightsEqual === true,
  };
}

interface ReadRun {
  readonly config: Json;
  readonly result: Json | undefined;
  readonly epochs: readonly EpochPoint[];
  readonly numerics: ReadonlyMap<string, unknown>;
  readonly samples: Json | undefined;
}

async function readRun(folder: string): Promise<ReadRun> {
  const history = new History(folder, 0);
  await history.readOn();
  const result = readSmallJson(path.join(folder, 'result.json'));
  return {
    config: readSmallJson(path.join(folder, 'config.json')) ?? {},
    result,
    epochs: history.epochs,
    numerics: numericsOf(result, history),
    samples: await samplesOf(folder),
  };
}

/** Of a run without result, what its workers said when they joined. */
function numericsOf(result: Json | undefined, { workers }: History): ReadonlyMap<string, unknown> {
  const said = (values: readonly (string | null)[]): readonly string[] | undefined => {
    const known = [...new Set(values.filter((value) => value !== null))].sort();
    return known.length === 0 ? undefined : known;
  };
  const engines = said(workers.map(({ engine }) => engine));
  return new Map<string, unknown>([
    ['engine', result?.['engine'] ?? engines?.join('+')],
    ['numericsClasses', result?.['numericsClasses'] ?? said(workers.map((worker) => worker.numericsClass))],
    ['exact', result?.['exact']],
  ]);
}

async function samplesOf(folder: string): Promise<Json | undefined> {
  for (const name of CHECKPOINTS) {
    const samples = await readStoredSamples(path.join(folder, 'checkpoints', `${name}.safetensors`));
    if (samples) return { ...samples };
  }
  return undefined;
}

function compareData(a: Json | undefined, b: Json | undefined): DataComparison {
  if (!a || !b) return { verdict: 'unknown' };
  const differences = differencesOf(flatten(a), flatten(b));
  return differences.length === 0 ? { verdict: 'equal' } : { verdict: 'different', differences };
}

function compareWeights(a: ReadonlyMap<number, string>, b: ReadonlyMap<number, string>): WeightsComparison {
  const shared = [...a.keys()].filter((epoch) => b.has(epoch)).sort((one, other) => one - other);
  if (shared.length === 0) return { verdict: 'unknown' };
  const firstDifferent = shared.findIndex((epoch) => a.get(epoch) !== b.get(epoch));
  if (firstDifferent < 0) return { verdict: 'equal', epochs: shared.length };
  return { verdict: 'different', epoch: shared[firstDifferent]!, equalEpochs: firstDifferent };
}

function digestsByEpoch(epochs: readonly EpochPoint[]): ReadonlyMap<number, string> {
  return new Map(
    epochs.flatMap(({ epoch, weightsSha256 }) =>
      weightsSha256 === null ? [] : [[epoch, weightsSha256] as const],
    ),
  );
}

/** One level deep: `{"versions": {"node": …}}` becomes `versions.node`. */
function flatten(config: Json): ReadonlyMap<string, unknown> {
  return new Map(
    Object.entries(config).flatMap(([key, value]): (readonly [string, unknown])[] =>
      isRecord(value)
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
