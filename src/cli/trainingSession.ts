/**
 * What `train` and `coordinator` have in common, from the options to the result: data, fleet, run folder, training,
 * and the way out.
 */

import path from 'node:path';
import { Fleet, RunFolder, train, TrainingState } from '../coordinator/index.js';
import type { EventListener, Recipe, RunResult } from '../coordinator/index.js';
import { labelsOf, measureNormalisation, splitTrainingSet, stepsPerEpoch } from '../data/index.js';
import type { Normalisation, TrainingSplit } from '../data/index.js';
import { chooseEngine } from '../engine/index.js';
import type { EngineChoice } from '../engine/index.js';
import { LockstepError } from '../foundation/errors.js';
import { buildModel } from '../model/index.js';
import type { Model, ModelState } from '../model/index.js';
import type { Welcome } from '../protocol/index.js';
import { startLocalNode } from '../worker/index.js';
import { chooseDisplay } from './display/display.js';
import { openDataset } from './openDataset.js';
import type { OpenedDataset } from './openDataset.js';
import { resumeRun } from './resume.js';
import type { ResumedRun } from './resume.js';
import { RunLog } from './runLog.js';
import { listenForStop } from './stopSignal.js';
import { settleRecipe } from './trainingOptions.js';
import type { TrainingOptions } from './trainingOptions.js';
import { lockstepVersion, programName } from './version.js';

export interface SessionOptions {
  readonly training: TrainingOptions;
  readonly json: boolean;
  readonly runDir: string | undefined;
  readonly resume: string | undefined;
  /** Evaluate the test set once the weights are final. */
  readonly test: boolean;
  readonly minWorkers: number;
  readonly waitTimeoutMs: number;
  /** Opens the door for remote nodes; undefined in a run of one process. */
  readonly openDoor: ((fleet: Fleet, model: Model, onEvent: EventListener) => Promise<Door>) | undefined;
}

export interface Door {
  close(): Promise<void>;
}

interface Prepared {
  readonly recipe: Recipe;
  readonly model: Model;
  readonly dataset: OpenedDataset;
  readonly split: TrainingSplit;
  readonly normalisation: Normalisation;
}

/** @returns the process's exit code */
export async function runTrainingSession(options: SessionOptions): Promise<number> {
  const display = chooseDisplay(options);
  const log = new RunLog(display);
  const stop = listenForStop((signal) =>
    display.say(`${signal}: saving, then stopping; once more stops at once`),
  );
  const closers: (() => unknown)[] = [() => stop.dispose(), () => display.close()];
  try {
    if (options.runDir !== undefined) RunFolder.refuseIfTaken(options.runDir);
    const resumed =
      options.resume === undefined ? undefined : await resumeRun(options.resume, options.training);
    if (resumed) closers.push(() => resumed.folder.close());
    const prepared = await prepare(options, resumed, log, display, stop.signal);
    const fleet = new Fleet({
      welcome: welcomeOf(prepared, options),
      onEvent: log.onEvent,
      waitTimeoutMs: options.waitTimeoutMs,
    });
    const engine = await attachWorkers(options, resumed, { model: prepared.model, fleet, log, closers });
    const folder = resumed?.folder ?? (await createFolder(options, prepared.recipe, engine));
    if (!resumed) closers.push(() => folder.close());
    log.attach(folder);
    const result = await trainIn(folder, prepared, { options, resumed, fleet, log, signal: stop.signal });
    if (result.stoppedBy === 'signal') {
      display.say(
        `continue with: ${programName()} ${options.openDoor ? 'coordinator' : 'train'} --resume ${folder.folder}`,
      );
    }
    return result.stoppedBy === 'signal' ? (stop.exitCode() ?? 0) : 0;
  } catch (error) {
    const wasStopped = error === stop.signal.reason || isDownloadError(error);
    if (stop.signal.aborted && wasStopped) return stop.exitCode() ?? 1;
    throw error;
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

/** A download that was cut short by the stop signal says so in its own words. */
function isDownloadError(error: unknown): boolean {
  return error instanceof LockstepError && error.code === 'E_DATA_DOWNLOAD';
}

async function prepare(
  { training }: SessionOptions,
  resumed: ResumedRun | undefined,
  log: RunLog,
  display: ReturnType<typeof chooseDisplay>,
  signal: AbortSignal,
): Promise<Prepared> {
  const dataset = await openDataset({
    requested: resumed?.recipe.dataset ?? training.recipe.dataset,
    dataDir: settingOf(training, 'dataDir', resumed?.saved.dataDir),
    signal,
    onProgress: (progress) => display.download(progress),
    onNotice: (message) => log.notice(message),
  });
  const recipe = resumed?.recipe ?? settleRecipe(training.recipe, dataset.name);
  const split = splitTrainingSet({
    sampleCount: dataset.training.sampleCount,
    validationSize: recipe.valSize,
    seed: recipe.seed,
    trainLimit: recipe.trainLimit ?? undefined,
    stratifiedLabels: recipe.stratify ? labelsOf(dataset.training) : undefined,
  });
  const normalisation = measureNormalisation(dataset.training, split.training);
  if (resumed) refuseOtherData(resumed, normalisation);
  return { recipe, model: buildModel(recipe.model, recipe.dropout), dataset, split, normalisation };
}

/** A setting of this sitting, else of the one before it, else the default. */
function settingOf<Key extends 'dataDir' | 'engine' | 'numerics' | 'checkpointEvery'>(
  training: TrainingOptions,
  key: Key,
  saved: TrainingOptions[Key] | undefined,
): TrainingOptions[Key] {
  return training.given.has(key) ? training[key] : (saved ?? training[key]);
}

function refuseOtherData({ checkpoint }: ResumedRun, normalisation: Normalisation): void {
  if (JSON.stringify(checkpoint.normalisation) === JSON.stringify(normalisation)) return;
  throw new LockstepError(
    'E_CHECKPOINT',
    'the training data are not those that this run began with (their mean and deviation differ); give the same with --data-dir',
  );
}

function welcomeOf({ recipe, model, normalisation }: Prepared, { resume, runDir }: SessionOptions): Welcome {
  return {
    type: 'welcome',
    runName: path.basename(resume ?? runDir ?? recipe.model).slice(0, 200),
    modelName: recipe.model,
    dropoutRate: recipe.dropout,
    parameterCount: model.layout.parameterCount,
    statisticCount: model.layout.statisticCount,
    mean: [...normalisation.mean],
    standardDeviation: [...normalisation.standardDeviation],
    evaluationStatistics: recipe.evalStatistics,
  };
}

interface FleetSurroundings {
  readonly model: Model;
  readonly fleet: Fleet;
  readonly log: RunLog;
  /** What has to be ended, in the order in which it was begun. */
  readonly closers: (() => unknown)[];
}

/** @returns the engine of the local threads, if there are any */
async function attachWorkers(
  { training, openDoor }: SessionOptions,
  resumed: ResumedRun | undefined,
  { model, fleet, log, closers }: FleetSurroundings,
): Promise<EngineChoice | undefined> {
  let engine: EngineChoice | undefined;
  if (training.workers > 0) {
    engine = await chooseEngine(
      settingOf(training, 'engine', resumed?.saved.engine),
      settingOf(training, 'numerics', resumed?.saved.numerics),
    );
    const node = await startLocalNode(engine, training.workers);
    closers.push(() => node.close());
    fleet.admit(node.channel, { local: true });
  }
  if (openDoor) {
    const door = await openDoor(fleet, model, log.onEvent);
    closers.push(() => door.close());
  }
  closers.push(() => fleet.end('the coordinator has stopped', { runEnded: false }));
  return engine;
}

function createFolder(
  { training, runDir }: SessionOptions,
  recipe: Recipe,
  engine: EngineChoice | undefined,
): Promise<RunFolder> {
  const { dataDir, workers, checkpointEvery, numerics } = training;
  const versions = { lockstep: lockstepVersion(), node: process.versions.node, v8: process.versions.v8 };
  return RunFolder.create(runDir ?? defaultRunDir(recipe), {
    ...recipe,
    dataDir: path.resolve(dataDir),
    workers,
    engine: engine?.name ?? training.engine,
    checkpointEvery,
    numerics,
    versions,
    host: { platform: process.platform, arch: process.arch },
  });
}

function defaultRunDir({ model, seed }: Recipe): string {
  const stamp = new Date().toISOString().slice(0, 19).replace(/:/g, '-');
  return path.join('runs', `${stamp}-${model}-seed${seed}`);
}

interface Surroundings {
  readonly options: SessionOptions;
  readonly resumed: ResumedRun | undefined;
  readonly fleet: Fleet;
  readonly log: RunLog;
  readonly signal: AbortSignal;
}

async function trainIn(
  folder: RunFolder,
  { recipe, model, dataset, split, normalisation }: Prepared,
  { options, resumed, fleet, log, signal }: Surroundings,
): Promise<RunResult> {
  const state = resumed ? TrainingState.from(resumed.checkpoint) : TrainingState.fresh(model, recipe.seed);
  const best: ModelState | undefined = resumed?.best;
  log.onEvent({
    event: 'run-started',
    runDir: folder.folder,
    model: recipe.model,
    dataset: recipe.dataset,
    parameterCount: model.layout.parameterCount,
    trainingSamples: split.training.length,
    validationSamples: split.validation.length,
    stepsPerEpoch: stepsPerEpoch(split.training.length, recipe.batchSize),
    epochs: recipe.epochs,
    resumedAtStep: state.progress.step,
  });
  const result = await train({
    recipe,
    model,
    set: dataset.training,
    split,
    normalisation,
    state,
    best,
    fleet,
    folder,
    minWorkers: options.minWorkers,
    checkpointEvery: settingOf(options.training, 'checkpointEvery', resumed?.saved.checkpointEvery),
    openTestSet: options.test ? dataset.openTest : undefined,
    onEvent: log.onEvent,
    signal,
  });
  const runEnded = result.stoppedBy !== 'signal';
  fleet.end(runEnded ? 'the run has ended' : 'the coordinator was stopped', { runEnded });
  return result;
}
