/**
 * What `train` and `coordinator` have in common, from the options to the result: data, fleet, run folder, training,
 * and the way out.
 */

import path from 'node:path';
import { Fleet, RunFolder, train, TrainingState, welcomeFor } from '../coordinator/index.js';
import type { EventListener, Recipe, RunResult } from '../coordinator/index.js';
import {
  digestSamples,
  labelsOf,
  measureNormalisation,
  splitTrainingSet,
  stepsPerEpoch,
} from '../data/index.js';
import type { Normalisation, SampleDigests, TrainingSplit } from '../data/index.js';
import { chooseEngine } from '../engine/index.js';
import type { EngineChoice, EngineDescription, EngineName } from '../engine/index.js';
import { LockstepError } from '../foundation/errors.js';
import { buildModel } from '../model/index.js';
import type { Model, ModelState } from '../model/index.js';
import { startLocalNode } from '../worker/index.js';
import { withCleanup } from './cleanup.js';
import type { Closer } from './cleanup.js';
import { chooseDisplay } from '../cli/display/display.js';
import type { Display } from '../cli/display/display.js';
import { openDataset } from './openDataset.js';
import type { OpenedDataset } from './openDataset.js';
import type { CoordinatorSettings } from '../cli/options/coordinatorSettings.js';
import { checkSameData } from './resumedData.js';
import type { ResumedRun } from './resume.js';
import { RunLog } from './runLog.js';
import { listenForStop } from '../cli/process/stopSignal.js';
import { recipeNotices, recipeRemarks, settleRecipe } from '../cli/options/trainingOptions.js';
import type { TrainingOptions } from '../cli/options/trainingOptions.js';
import { resolveSettings, runConfig } from './runConfig.js';
import type { Settings } from './runConfig.js';
import { threadsFor, withTuning } from '../cli/options/engineOptions.js';
import {
  afterError,
  continueIn,
  continueLine,
  createFolder,
  evaluateLine,
  openResumed,
  watchOwner,
} from './sessionFolder.js';

export interface SessionOptions {
  readonly training: TrainingOptions;
  readonly json: boolean;
  readonly runDir: string | undefined;
  readonly resume: string | undefined;
  /** Evaluate the test set once the weights are final. */
  readonly test: boolean;
  readonly minWorkers: number;
  readonly waitTimeoutMs: number;
  /** What to do when no worker comes for so long, if anything. */
  readonly noWorkersRemedy?: string;
  /** The coordinator's own options, for config.json: a resumed coordinator uses them again. */
  readonly coordinatorSettings: CoordinatorSettings;
  /** The words of the command that continues the run, with what it needs besides `--resume`. */
  readonly continueWith: readonly string[];
  /**
   * Checks what remote nodes need, before any data is loaded; undefined in a run of one process.
   * @throws LockstepError for what cannot work here
   */
  readonly prepareDoor: ((settings: Settings) => Promise<PreparedDoor>) | undefined;
}

export interface PreparedDoor {
  /** What the nodes compute with, if this process starts them. */
  readonly engine: EngineName | undefined;
  /** Lets remote nodes in. */
  open(fleet: Fleet, model: Model, voice: DoorVoice): Promise<Door>;
}

/** Where a door makes itself heard. */
export interface DoorVoice {
  readonly onEvent: EventListener;
  readonly say: (message: string) => void;
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
  readonly samples: SampleDigests;
}

/** @returns the process's exit code */
export function runTrainingSession(options: SessionOptions): Promise<number> {
  return withCleanup((closers) => runSession(options, closers));
}

async function runSession(options: SessionOptions, closers: Closer[]): Promise<number> {
  const display = chooseDisplay(options);
  const log = new RunLog(display);
  const stop = listenForStop(
    (signal) => display.say(`${signal}: saving, then stopping; once more stops at once`),
    (message) => log.notice(message),
  );
  closers.push(
    () => stop.dispose(),
    () => display.close(),
  );
  try {
    const abandoned = await watchOwner(options, log, stop.signal);
    if (options.runDir !== undefined) RunFolder.refuseIfTaken(options.runDir, abandoned);
    const resumed = await openResumed(options, { log, signal: stop.signal, abandoned });
    if (resumed) closers.push(() => resumed.folder.close());
    resumed?.notices.forEach((message) => log.notice(message));
    const settings = resolveSettings(options, resumed?.saved);
    // Before the data, which may take a download: what cannot run here is refused at once.
    const engine =
      options.training.workers > 0
        ? withTuning(
            await chooseEngine(settings.engine, settings.numerics, settings.device, settings.precision),
            settings.tune,
          )
        : undefined;
    if (engine?.notice !== undefined) log.notice(engine.notice);
    const door = await options.prepareDoor?.(settings);
    const prepared = await prepare(options, settings, resumed, { log, display, signal: stop.signal });
    if (!resumed) {
      recipeRemarks(prepared.recipe, options.training.given).forEach((text) => log.say(text));
      recipeNotices(prepared.recipe, options.training.given).forEach((text) => log.notice(text));
    }
    const fleet = new Fleet({
      welcome: welcomeFor({
        runName: path.basename(options.resume ?? options.runDir ?? prepared.recipe.model),
        model: prepared.model,
        normalisation: prepared.normalisation,
        recipe: prepared.recipe,
      }),
      onEvent: log.onEvent,
      waitTimeoutMs: options.waitTimeoutMs,
      ...(options.noWorkersRemedy === undefined ? {} : { noWorkersRemedy: options.noWorkersRemedy }),
    });
    const local = await attachWorkers(options, engine, door, { model: prepared.model, fleet, log, closers });
    const config = runConfig(options, prepared.recipe, settings, { local, remoteEngine: door?.engine });
    const folder = resumed?.folder ?? (await createFolder(options, prepared.recipe, config, abandoned));
    if (resumed) await continueIn(folder, config, { resumed, log });
    else closers.push(() => folder.close());
    log.attach(folder);
    folder.whenTakenOver((error) => fleet.abort(error));
    const surroundings = { options, settings, resumed, fleet, log, signal: stop.signal };
    const result = await trainIn(folder, prepared, surroundings).catch((error: unknown) => {
      display.say(afterError(options, folder, error));
      throw error;
    });
    if (result.stoppedBy === 'signal') display.say(continueLine(options, folder));
    else if (!settings.test) display.say(evaluateLine(folder, prepared.recipe, settings));
    return result.stoppedBy === 'signal' ? (stop.exitCode() ?? 0) : 0;
  } catch (error) {
    const wasStopped = error === stop.signal.reason || isDownloadError(error);
    if (stop.signal.aborted && wasStopped) return stop.exitCode() ?? 1;
    throw error;
  }
}

/** A download that was cut short by the stop signal says so in its own words. */
function isDownloadError(error: unknown): boolean {
  return error instanceof LockstepError && error.code === 'E_DATA_DOWNLOAD';
}

async function prepare(
  { training }: SessionOptions,
  { dataDir, test }: Settings,
  resumed: ResumedRun | undefined,
  { log, display, signal }: { readonly log: RunLog; readonly display: Display; readonly signal: AbortSignal },
): Promise<Prepared> {
  const dataset = await openDataset({
    requested: resumed?.recipe.dataset ?? training.recipe.dataset,
    dataDir,
    isNewRun: resumed === undefined,
    test,
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
  const samples = digestSamples(dataset.training, split);
  if (resumed)
    checkSameData(resumed.checkpoint, { normalisation, samples }).forEach((text) => log.notice(text));
  const model = buildModel(recipe.model, recipe.dropout);
  return { recipe, model, dataset, split, normalisation, samples };
}

interface FleetSurroundings {
  readonly model: Model;
  readonly fleet: Fleet;
  readonly log: RunLog;
  /** What has to be ended, in the order in which it was begun. */
  readonly closers: Closer[];
}

/** @returns what the threads of this process compute with, if there are any */
async function attachWorkers(
  { training }: SessionOptions,
  engine: EngineChoice | undefined,
  preparedDoor: PreparedDoor | undefined,
  { model, fleet, log, closers }: FleetSurroundings,
): Promise<EngineDescription | undefined> {
  let local: EngineDescription | undefined;
  if (engine !== undefined) {
    const threads = threadsFor(engine, training.workers, training.given.has('workers'));
    const node = await startLocalNode(engine, threads);
    local = node.description;
    closers.push(() => node.close());
    fleet.admit(node.channel, { local: true });
  }
  if (preparedDoor) {
    const voice: DoorVoice = { onEvent: log.onEvent, say: (message) => log.say(message) };
    const door = await preparedDoor.open(fleet, model, voice);
    closers.push(() => door.close());
  }
  closers.push(() => fleet.end('the coordinator has stopped', { runEnded: false }));
  return local;
}

interface Surroundings {
  readonly options: SessionOptions;
  readonly settings: Settings;
  readonly resumed: ResumedRun | undefined;
  readonly fleet: Fleet;
  readonly log: RunLog;
  readonly signal: AbortSignal;
}

async function trainIn(
  folder: RunFolder,
  { recipe, model, dataset, split, normalisation, samples }: Prepared,
  { options, settings, resumed, fleet, log, signal }: Surroundings,
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
    maxSteps: recipe.maxSteps,
    resumedAtStep: state.progress.step,
  });
  const result = await train({
    recipe,
    model,
    set: dataset.training,
    split,
    normalisation,
    samples,
    state,
    best,
    fleet,
    folder,
    minWorkers: options.minWorkers,
    checkpointEvery: settings.checkpointEvery,
    openTestSet: settings.test ? dataset.openTest : undefined,
    onEvent: log.onEvent,
    signal,
  });
  const runEnded = result.stoppedBy !== 'signal';
  fleet.end(runEnded ? 'the run has ended' : 'the coordinator was stopped', { runEnded });
  return result;
}
