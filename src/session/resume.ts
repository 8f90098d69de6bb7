/** Continues an interrupted run: its own recipe, with the few changes that cannot spoil what was promised. */

import { changeRecipe, readCheckpoint, RunFolder, UnusableCheckpoint } from '../coordinator/index.js';
import type { Abandoned, Checkpoint, Recipe, PriorResult, StoredCheckpoint } from '../coordinator/index.js';
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
    const isTestWanted = test || saved.settings.test === true;
    refuseAfterCut(runDir, checkpoint, recipe);
    refuseIfComplete(runDir, result, {
      recipe,
      savedEpochs: checkpoint.recipe.epochs,
      progress: checkpoint.progress,
      isTestWanted,
    });
    const best = checkpoint.best ?? (await readBestFile(folder, checkpoint));
    const notices = [
      ...damageNotices(damage, checkpoint),
      ...saved.notices,
      ...resultDamage,
      ...(await bestNotices(folder, checkpoint)),
    ];
    if (damage !== undefined) await folder.checkpoints.setLastAside();
    return { folder, recipe, checkpoint, best, saved: saved.settings, notices };
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

/** The samples that were left out would be missing: the run would be another than one of so many epochs from its start. */
function refuseAfterCut(
  runDir: string,
  { recipe: saved, progress }: StoredCheckpoint,
  { epochs }: Recipe,
): void {
  const wasCut = !Number.isInteger(saved.epochs) && progress.epoch >= saved.epochs;
  if (!wasCut || epochs === saved.epochs) return;
  throw new OptionError(
    [
      { option: 'epochs', value: epochs },
      ` would go on with the run in ${runDir}, which ended in the middle of epoch ${progress.epoch}`,
    ],
    [
      { kind: 'leave-out', option: 'epochs' },
      { kind: 'advice', sentence: ['start a new run'] },
    ],
  );
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

interface Ending {
  readonly recipe: Recipe;
  /** Of the run so far. */
  readonly savedEpochs: number;
  readonly progress: Checkpoint['progress'];
  /** Whether the test set is to be evaluated, now or by the previous session. */
  readonly isTestWanted: boolean;
}

function refuseIfComplete(
  runDir: string,
  result: PriorResult | undefined,
  { recipe, savedEpochs, progress, isTestWanted }: Ending,
): void {
  const complete = (...remedies: readonly Sentence[]): OptionError =>
    new OptionError(
      [
        `the run in ${runDir} is complete: ${count(progress.step, 'step')}, ${count(progress.epoch, 'epoch')}, stopped by ${String(result?.stoppedBy)}`,
      ],
      remedies.map((sentence) => ({ kind: 'advice', sentence })),
      'E_RUN_COMPLETE',
    );
  // A result of fewer steps is from an earlier session: the last one died before it wrote its own.
  if (result?.stepsCompleted !== progress.step) return;
  // Training is complete but the test is not: it was interrupted, or is requested only now.
  if (isTestWanted && result.testAccuracy === null) return;
  const hasAllEpochs = progress.epoch >= recipe.epochs || recipe.epochs === savedEpochs; // fewer where they were rounded to a step
  if (hasAllEpochs && result.stoppedBy === 'epochs') {
    throw complete(
      [`see ${runDir}/result.json`],
      ['give more ', { option: 'epochs' }, ' if its schedule allows'],
    );
  }
  const { patience } = recipe;
  if (
    result.stoppedBy === 'patience' &&
    patience > 0 &&
    progress.earlyStopping.epochsWithoutImprovement >= patience
  ) {
    throw complete(['give a higher ', { option: 'patience' }, ' to go on']);
  }
  if (result.stoppedBy === 'max-steps' && recipe.maxSteps !== null && progress.step >= recipe.maxSteps) {
    throw complete(
      ['give a higher ', { option: 'maxSteps' }],
      [{ option: 'maxSteps', value: null }, ' to go on'],
    );
  }
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
