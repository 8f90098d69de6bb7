/** What a network answers for the images of a set: on all cores, as in a run's own evaluation. */

import { broadcastOf, evaluate, Fleet, welcomeFor } from '../../coordinator/index.js';
import type { EvaluationScore, Recipe } from '../../coordinator/index.js';
import type { ImageSet } from '../../data/index.js';
import { chooseEngine } from '../../engine/index.js';
import type { EngineDescription } from '../../engine/index.js';
import type { Sentence } from '../../foundation/options/optionError.js';
import { startLocalNode } from '../../worker/index.js';
import { withCleanup } from '../cleanup.js';
import type { Closer } from '../cleanup.js';
import { threadsFor, withTuning } from '../engineThreads.js';
import type { EvaluatedCheckpoint } from '../evaluatedCheckpoint.js';
import type { EngineSettings } from '../trainingOptions.js';

export interface ComputeOptions extends EngineSettings {
  readonly workers: number;
  /** Whether `workers` was given; else it is one for each core. */
  readonly isWorkersGiven: boolean;
  /** Undefined: as in training. */
  readonly evalStatistics?: Recipe['evalStatistics'] | undefined;
  /** Undefined: as in training. */
  readonly tta?: Recipe['tta'] | undefined;
  readonly cacheFolder?: string | undefined;
  readonly signal: AbortSignal;
  readonly onNotice: (message: Sentence | string) => void;
  /** Makes the error for logits that are not finite. */
  readonly divergence: () => Error;
  /** Told how many images of a set are done, of how many. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface ComputedLogits {
  readonly score: EvaluationScore;
  readonly logits: Float32Array; // (N, classes)
  readonly description: EngineDescription;
}

const WAIT_TIMEOUT_MS = 30_000;

/** Answers for one set after another. */
export interface LogitComputer {
  readonly description: EngineDescription;
  /** @throws LockstepError, or the reason of the signal */
  readonly logitsOf: (set: ImageSet) => Promise<Omit<ComputedLogits, 'description'>>;
}

/** @throws LockstepError, or the reason of the signal */
export function computeLogits(
  found: EvaluatedCheckpoint,
  set: ImageSet,
  options: ComputeOptions,
): Promise<ComputedLogits> {
  return withCleanup(async (closers) => {
    const { description, logitsOf } = await startComputer(found, options, closers);
    return { ...(await logitsOf(set)), description };
  });
}

/** @param closers get what has to be ended */
export async function startComputer(
  { checkpoint, state }: EvaluatedCheckpoint,
  options: ComputeOptions,
  closers: Closer[],
): Promise<LogitComputer> {
  const { recipe, normalisation, model } = checkpoint;
  const evalStatistics = options.evalStatistics ?? recipe.evalStatistics;
  const tta = options.tta ?? recipe.tta;
  const fleet = new Fleet({
    welcome: welcomeFor({
      runName: 'evaluation',
      model,
      normalisation,
      recipe: { ...recipe, evalStatistics, tta },
    }),
    onEvent: () => undefined,
    waitTimeoutMs: WAIT_TIMEOUT_MS,
  });
  const { engine, numerics, device, precision, tune, cacheFolder } = options;
  const chosen = await chooseEngine(engine, numerics, device, precision);
  const { notice, ...choice } = withTuning(chosen, { tune, cacheFolder });
  if (notice !== undefined) options.onNotice(notice);
  const node = await startLocalNode(choice, threadsFor(choice, options.workers, options.isWorkersGiven));
  closers.push(
    () => node.close(),
    () => fleet.end('the evaluation has ended', { runEnded: true }),
  );
  fleet.admit(node.channel, { local: true });
  const logitsOf: LogitComputer['logitsOf'] = async (set) => {
    const score = await evaluate(fleet, {
      set,
      indices: Uint32Array.from({ length: set.sampleCount }, (_, index) => index),
      state: broadcastOf(state, 0),
      wantsLogits: true,
      signal: options.signal,
      divergence: options.divergence,
      onProgress: options.onProgress,
    });
    return { score, logits: score.logits! };
  };
  return { description: node.description, logitsOf };
}
