/** Continues an interrupted run: its own recipe, with the few changes that cannot spoil what was promised. */

import { changeRecipe, readCheckpoint, RunFolder, UnusableCheckpoint } from '../coordinator/index.js';
import type {
  Abandoned,
  Checkpoint,
  PriorResult,
  Recipe,
  StopReason,
  StoredCheckpoint,
} from '../coordinator/index.js';
import { describeError } from '../foundation/errors.js';
import { count } from '../foundation/count.js';
import { OptionError } from '../foundation/options/optionError.js';
import type { Sentence } from '../foundation/options/optionError.js';
import type { Model, ModelState, NetworkDescription } from '../model/index.js';
import { requestNetwork } from './requestNetwork.js';
import type { NetworkSource } from './requestNetwork.js';
import { parseSavedConfig } from './savedConfig.js';
import type { Settings } from './sessionOptions.js';
import { keysOf } from './trainingOptions.js';
import type { TrainingOptions } from './trainingOptions.js';

export interface ResumedRun {
  readonly folder: RunFolder;
  readonly recipe: Recipe;
  readonly checkpoint: StoredCheckpoint;
  readonly best: ModelState | undefined;
  readonly saved: Partial<Settings>;
  /** What the user must know of the files that were found. */
  readonly notices: readonly string[];
  /** Whether it has had all of its epochs, and its test if one is wanted. */
  readonly hasEnded: boolean;
}

/** What else the new session asks for. */
interface NewSession {
  /** Whether it asks for the test set. */
  readonly test?: boolean;
  /** What `watchForeignHolder` returned. */
  readonly abandoned?: Abandoned | undefined;
}

/**
 * Opens the folder, which the caller must close.
 * @throws LockstepError E_CHECKPOINT, E_RUN_EXISTS, E_RUN_COMPLETE, or E_OPTION for an option that contradicts the run
 */
export async function resumeRun(
  runDir: string,
  options: TrainingOptions,
  { test = false, abandoned }: NewSession = {},
): Promise<ResumedRun> {
  const folder = RunFolder.open(runDir, abandoned);
  try {
    const { checkpoint, damage } = await folder.checkpoints.readNewest();
    const saved = parseSavedConfig({
      file: folder.configFile,
      content: await folder.readConfig(),
      recipe: checkpoint.recipe,
      given: keysOf(options, checkpoint.recipe.dataset),
    });
    const recipe = changedRecipe(checkpoint, options, runDir);
    const { result, damage: resultDamage } = await readResult(folder);
    const stoppedBy = endOf(result, checkpoint, test || saved.settings.test === true);
    refuseIfComplete(runDir, stoppedBy, {
      recipe,
      saved: checkpoint.recipe,
      progress: checkpoint.progress,
    });
    const best = checkpoint.best ?? (await readBestFile(folder, checkpoint));
    const notices = [
      ...damageNotices(damage, checkpoint),
      ...saved.notices,
      ...resultDamage,
      ...(await bestNotices(folder, checkpoint)),
    ];
    if (damage !== undefined) await folder.checkpoints.setLastAside();
    const hasEnded = stoppedBy === 'epochs';
    return { folder, recipe, checkpoint, best, saved: saved.settings, notices, hasEnded };
  } catch (error) {
    folder.close();
    throw error;
  }
}

function changedRecipe(
  { recipe: saved, model }: StoredCheckpoint,
  { recipe, network, given }: TrainingOptions,
  runDir: string,
): Recipe {
  const run = `the run in ${runDir}`;
  const isOwnNetwork = given.has('model') && network.kind !== 'preset';
  if (isOwnNetwork && !describesSameNetwork(network, model)) {
    // Not a matter of names: the other network may have the same.
    throw new OptionError(
      [
        { option: 'model', value: recipe.model },
        ` contradicts ${run}, which has other layers: those of ${saved.model}`,
      ],
      [
        { kind: 'leave-out', option: 'model' },
        { kind: 'advice', sentence: ['start a new run'] },
      ],
    );
  }
  const now = Object.entries(recipe).filter(([key]) => given.has(key) && !(key === 'model' && isOwnNetwork));
  return changeRecipe(saved, Object.fromEntries(now), run);
}

/** Whether it is the run's own network, whatever it is called and whatever its classes are. */
function describesSameNetwork(source: NetworkSource, model: Model): boolean {
  const { description } = requestNetwork(source, 0).model;
  const essence = ({ inputShape, layers, classNames }: NetworkDescription): string =>
    JSON.stringify({ inputShape, layers, classCount: classNames.length });
  return essence(description) === essence(model.description);
}

interface ReadResult {
  readonly result: PriorResult | undefined;
  readonly damage: readonly string[];
}

/** A result that cannot be read is no loss: the run writes it again when it ends. */
async function readResult(folder: RunFolder): Promise<ReadResult> {
  try {
    return { result: await folder.readResult(), damage: [] };
  } catch (error) {
    return { result: undefined, damage: [`${describeError(error)}. It is written again when the run ends`] };
  }
}

/** What ended the run as a whole; undefined if something is left to do. */
function endOf(
  result: PriorResult | undefined,
  { progress }: Checkpoint,
  isTestWanted: boolean,
): StopReason | undefined {
  // A result of fewer steps is from an earlier session: the last one died before it wrote its own.
  if (result?.stepsCompleted !== progress.step) return undefined;
  // Training is complete but the test is not: it was interrupted, or is requested only now.
  return isTestWanted && result.testAccuracy === null ? undefined : result.stoppedBy;
}

interface Ending {
  readonly recipe: Recipe;
  /** Of the run so far. */
  readonly saved: Recipe;
  readonly progress: Checkpoint['progress'];
}

function refuseIfComplete(
  runDir: string,
  stoppedBy: StopReason | undefined,
  { recipe, saved, progress }: Ending,
): void {
  // Others are judged once the steps of an epoch are known (resumedEpochs.ts).
  const areWhole = Number.isInteger(recipe.epochs) && Number.isInteger(saved.epochs);
  const hasAllEpochs = recipe.epochs === saved.epochs || (areWhole && progress.epoch >= recipe.epochs);
  if (stoppedBy === 'epochs' && hasAllEpochs) throw completeRun(runDir, progress, stoppedBy);
  const { patience } = recipe;
  if (
    stoppedBy === 'patience' &&
    patience > 0 &&
    progress.earlyStopping.epochsWithoutImprovement >= patience
  ) {
    throw completeRun(runDir, progress, stoppedBy);
  }
  if (stoppedBy === 'max-steps' && recipe.maxSteps !== null && progress.step >= recipe.maxSteps) {
    throw completeRun(runDir, progress, stoppedBy);
  }
}

/** What to do with a run that is complete; one that was stopped by a signal is not. */
const REMEDIES: Readonly<Record<Exclude<StopReason, 'signal'>, (runDir: string) => readonly Sentence[]>> = {
  epochs: (runDir) => [
    [`see ${runDir}/result.json`],
    ['give more ', { option: 'epochs' }, ' if its schedule allows'],
  ],
  patience: () => [['give a higher ', { option: 'patience' }, ' to go on']],
  'max-steps': () => [
    ['give a higher ', { option: 'maxSteps' }],
    [{ option: 'maxSteps', value: null }, ' to go on'],
  ],
};

/** @returns E_RUN_COMPLETE */
export function completeRun(
  runDir: string,
  { step, epoch }: Checkpoint['progress'],
  stoppedBy: keyof typeof REMEDIES,
): OptionError {
  return new OptionError(
    [
      `the run in ${runDir} is complete: ${count(step, 'step')}, ${count(epoch, 'epoch')}, stopped by ${stoppedBy}`,
    ],
    REMEDIES[stoppedBy](runDir).map((sentence) => ({ kind: 'advice', sentence })),
    'E_RUN_COMPLETE',
  );
}

/**
 * The best weights in a run of older versions, whose last checkpoint does not hold them. Their file may be one epoch
 * ahead of it, if the process died between the two; then that epoch is about to be repeated, and with it the file.
 */
async function readBestFile(folder: RunFolder, { progress }: Checkpoint): Promise<ModelState | undefined> {
  const { bestEpoch } = progress.earlyStopping;
  if (bestEpoch === null) return undefined;
  const best = await readCheckpoint(folder.checkpointFile('best'));
  return best.progress.earlyStopping.bestEpoch === bestEpoch ? best.state : undefined;
}

function damageNotices(damage: string | undefined, { progress }: Checkpoint): readonly string[] {
  if (damage === undefined) return [];
  return [
    `THE LAST CHECKPOINT IS DAMAGED: ${damage}. The one before it is used, of step ${progress.step}; ` +
      'the steps since are computed again, and end in the same bits',
  ];
}

/** Nothing depends on that file in training, but whoever evaluates it should know. */
async function bestNotices(folder: RunFolder, { best }: Checkpoint): Promise<readonly string[]> {
  if (!best) return [];
  try {
    await readCheckpoint(folder.checkpointFile('best'));
    return [];
  } catch (error) {
    return [
      `${error instanceof UnusableCheckpoint ? error.fault : describeError(error)}. Training does not need it: the best weights so far stand in the last checkpoint, too`,
    ];
  }
}
