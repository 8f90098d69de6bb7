/** `checkTraining` and `findLearningRate`: looks at a training before it begins. */

import type { Finding, RatePoint, Verdict } from '../check/index.js';
import { LockstepError } from '../foundation/errors.js';
import { checkTraining as check, findLearningRate as find, LR_FIND_SETTINGS } from '../session/index.js';
import { RunLog, TRAIN_WORKERS } from '../session/index.js';
import type { FoundLearningRate } from '../session/index.js';
import { checkPath, refuseUnknown } from './checks.js';
import { openData } from './data.js';
import type { DataSource, OwnData } from './data.js';
import { asLibraryErrors } from './errors.js';
import { ENGINE_KEYS, trainingOptionsOf } from './options.js';
import type { EngineOptions, GivenRecipe } from './options.js';
import { namesOf, readSettings } from './settings.js';
import type { GivenSettings } from './settings.js';
import { IN_PROGRAM, inProgram } from './words.js';

/** The training that is looked at, as `train` would be given it. */
interface CheckedTraining extends EngineOptions {
  readonly recipe?: GivenRecipe | undefined;
  readonly data: DataSource | OwnData;
  /** Threads of this process; one for each core if left out. */
  readonly workers?: number | undefined;
  /** Aborted to stop: then E_STOPPED is thrown. */
  readonly signal?: AbortSignal | undefined;
  readonly onNotice?: ((message: string) => void) | undefined;
}

export interface CheckTrainingOptions extends CheckedTraining {
  /** Whether to look at the test set, too. */
  readonly test?: boolean | undefined;
  /** Names of checks or groups (docs/check.md); left out: all. */
  readonly only?: readonly string[] | undefined;
  readonly skip?: readonly string[] | undefined;
  /** A new or an empty folder that gets pictures of what the network sees. */
  readonly save?: string | undefined;
  /** Told of each finding as it comes. */
  readonly onFinding?: ((finding: TrainingFinding) => void) | undefined;
}

/** What a check expected and saw, in words. */
export interface TrainingFinding {
  readonly name: string;
  readonly group: string;
  readonly verdict: Verdict | 'left-out';
  readonly expected?: string;
  readonly seen?: string;
  /** What to do, beside `warn` and `fail`. */
  readonly advice?: string;
  /** Why the check says nothing, beside `left-out`. */
  readonly leftOut?: string;
}

export interface TrainingChecked {
  readonly findings: readonly TrainingFinding[];
  /** How many findings have each verdict. */
  readonly passed: number;
  readonly warned: number;
  readonly failed: number;
  readonly leftOut: number;
  readonly seconds: number;
  /** The pictures that were saved. */
  readonly saved: readonly string[];
}

/** Besides what stands here: `from`, `to`, `steps` and `runDir`, as on the command line. */
export interface FindLearningRateOptions extends CheckedTraining, GivenSettings<typeof LR_FIND_SETTINGS> {
  /** Told of each step. */
  readonly onPoint?: ((point: RatePoint) => void) | undefined;
}

const TRAINING_KEYS = [...ENGINE_KEYS, 'recipe', 'data', 'workers', 'signal', 'onNotice'];
const CHECK_KEYS = [...TRAINING_KEYS, 'test', 'only', 'skip', 'save', 'onFinding'];
const FIND_KEYS = [...TRAINING_KEYS, ...namesOf(LR_FIND_SETTINGS), 'onPoint'];

/**
 * Checks a training before it begins: its data, its network, its rate. Nothing is kept, and no folder is made but `save`.
 * A check that fails is a finding, not an error.
 * @throws LockstepError, always
 */
export function checkTraining(options: CheckTrainingOptions): Promise<TrainingChecked> {
  return asLibraryErrors(async () => {
    refuseUnknown(options, CHECK_KEYS);
    const { test = false, only, skip, save, onFinding } = options;
    checkNames('only', only);
    checkNames('skip', skip);
    if (save !== undefined) checkPath('save', save);
    const { findings, ...summary } = await check(
      {
        training: trainingOf(options),
        test,
        ...{ only, skip, save },
        onFinding: (finding) => onFinding?.(inWords(finding)),
      },
      contextOf(options),
    );
    return { ...summary, findings: findings.map(inWords) };
  });
}

/**
 * Finds a learning rate by a range test: the first steps of the training, each at a rate a little higher than the one before.
 * The curve has the same bits whatever the number of workers; no weights are kept.
 * @throws LockstepError, always
 */
export function findLearningRate(options: FindLearningRateOptions): Promise<FoundLearningRate> {
  return asLibraryErrors(() => {
    refuseUnknown(options, FIND_KEYS);
    const { onPoint } = options;
    const range = readSettings(LR_FIND_SETTINGS, options);
    return find({ training: trainingOf(options), ...range, onPoint }, contextOf(options));
  });
}

function trainingOf({
  recipe,
  data,
  workers,
  ...options
}: CheckedTraining): ReturnType<typeof trainingOptionsOf> {
  if ((data as unknown) === undefined) {
    throw new LockstepError('E_OPTION', 'a training needs data; give some, such as data: syntheticData()');
  }
  return trainingOptionsOf({ ...options, recipe, data, workers }, TRAIN_WORKERS);
}

function contextOf({
  data,
  signal = new AbortController().signal,
  onNotice,
}: CheckedTraining): Parameters<typeof check>[1] {
  const log = new RunLog({
    subscribers: [],
    wording: IN_PROGRAM,
    onNotice: (message) => onNotice?.(message),
  });
  return { log, signal, data: openData(data) };
}

function inWords(finding: Finding): TrainingFinding {
  return Object.fromEntries(
    Object.entries(finding).map(([key, words]) => [key, inProgram(words as string)]),
  ) as unknown as TrainingFinding;
}

function checkNames(key: string, names: unknown): void {
  if (names === undefined) return;
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return;
  throw new LockstepError('E_OPTION', `${key} must be a list of names, such as ["data", "initial-loss"]`);
}
