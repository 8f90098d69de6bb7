/** A run from its settings to its result: data, fleet, run folder, training, and the way out. */

import path from 'node:path';
import {
  Fleet,
  recipeNotices,
  recipeRemarks,
  scheduleOf,
  totalStepsOf,
  train,
  TrainingState,
  vectorMemoriesFor,
  welcomeFor,
} from '../coordinator/index.js';
import type { Recipe, RunFolder, RunResult } from '../coordinator/index.js';
import { stepsPerEpoch } from '../data/index.js';
import { chooseEngine } from '../engine/index.js';
import type { ChosenEngine, EngineDescription } from '../engine/index.js';
import { LockstepError } from '../foundation/errors.js';
import type { Model } from '../model/index.js';
import { startLocalNode } from '../worker/index.js';
import { withCleanup } from './cleanup.js';
import type { Closer } from './cleanup.js';
import type { PreparedDoor } from './door.js';
import type { DoorReports } from './doorReports.js';
import { keepTested } from './evaluation/keepTested.js';
import { threadsFor, withTuning } from './engineThreads.js';
import { prepareData } from './prepareData.js';
import type { PreparedData } from './prepareData.js';
import { startRecorders } from './recorders.js';
import { requestNetwork } from './requestNetwork.js';
import type { RequestedNetwork } from './requestNetwork.js';
import type { ResumedRun } from './resume.js';
import { resolveSettings, runConfig } from './runConfig.js';
import type { RunLog } from './runLog.js';
import type { SessionContext, SessionOptions, Settings } from './sessionOptions.js';
import { continueIn, createFolder, openResumed, refuseFolder, watchOwner } from './sessionFolder.js';

export interface SessionOutcome {
  readonly result: RunResult;
  readonly runDir: string;
  readonly recipe: Recipe;
  readonly settings: Settings;
  /** Whether the data have a test part. */
  readonly hasTest: boolean;
}

/** @throws LockstepError E_STOPPED if the signal came before training began */
export async function runTrainingSession(
  options: SessionOptions,
  context: SessionContext,
): Promise<SessionOutcome> {
  try {
    return await withCleanup((closers) => runSession(options, context, closers));
  } catch (error) {
    const { signal } = context;
    if (signal.aborted && (error === signal.reason || isDownloadError(error))) throw stopped(error);
    throw error;
  }
}

/** A download that the signal cut short says so in its own words. */
function isDownloadError(error: unknown): boolean {
  return error instanceof LockstepError && error.code === 'E_DATA_DOWNLOAD';
}

function stopped(cause: unknown): LockstepError {
  return new LockstepError('E_STOPPED', 'the run was stopped before training began; start it again', {
    cause,
  });
}

async function runSession(
  options: SessionOptions,
  context: SessionContext,
  closers: Closer[],
): Promise<SessionOutcome> {
  const { log, signal } = context;
  signal.throwIfAborted();
  const abandoned = await watchOwner(options, log, signal);
  refuseFolder(options, abandoned);
  const resumed = await openResumed(options, { log, signal, abandoned });
  if (resumed) closers.push(() => resumed.folder.close());
  resumed?.notices.forEach((message) => log.notice(message));
  const settings = resolveSettings(options, resumed?.saved, resumed?.recipe.dataset);
  const networkFor = networkOf(options, resumed);
  // Before the data, which may take a download: what cannot run here is refused at once.
  const engine = await engineOfThreads(options, settings, context);
  const door = await options.prepareDoor?.(settings);
  const prepared = await prepareData(options, { settings, resumed, networkFor, context });
  if (!resumed) tellOfRecipe(prepared.recipe, options.training.given, log);
  const fleet = new Fleet({
    welcome: welcomeFor({
      runName: path.basename(options.resume ?? options.runDir ?? prepared.recipe.model),
      model: prepared.model,
      normalisation: prepared.normalisation,
      recipe: prepared.recipe,
      length: lengthOf(prepared),
    }),
    onEvent: log.onEvent,
    waitTimeoutMs: options.waitTimeoutMs,
    numericsClasses: Object.keys(resumed?.checkpoint.progress.contributors ?? {}),
    ...(options.noWorkersRemedy === undefined ? {} : { noWorkersRemedy: options.noWorkersRemedy }),
  });
  const { model, recipe } = prepared;
  const local = await attachWorkers(options, engine, door, { model, recipe, fleet, context, closers });
  const config = runConfig(options, prepared, settings, { local, remoteEngine: door?.engine });
  const folder = resumed?.folder ?? (await createFolder(options, prepared.recipe, config, abandoned));
  if (resumed) await continueIn(folder, config, { resumed, log });
  else closers.push(() => folder.close());
  log.attach(folder);
  await startRecorders(folder, { recipe: prepared.recipe, settings, context, closers });
  folder.whenTakenOver((error) => fleet.abort(error));
  const result = await trainIn(folder, prepared, { options, settings, resumed, fleet, context });
  const hasTest = prepared.dataset.openTest !== undefined;
  return { result, runDir: folder.folder, recipe: prepared.recipe, settings, hasTest };
}

function lengthOf({ recipe, split }: PreparedData): { steps: number; samplesPerStep: number } {
  const sampleCount = split.training.length;
  const steps = Math.min(totalStepsOf(scheduleOf(recipe, sampleCount)), recipe.maxSteps ?? Infinity);
  return { steps, samplesPerStep: Math.min(recipe.batchSize, sampleCount) };
}

/** Before the data, too: what is no network is refused at once. */
function networkOf(
  { training: { network, recipe } }: SessionOptions,
  resumed: ResumedRun | undefined,
): RequestedNetwork['forData'] {
  if (resumed) return () => resumed.checkpoint.model;
  return requestNetwork(network, recipe.dropout).forData;
}

/** @returns undefined if this process computes nothing itself */
async function engineOfThreads(
  { training }: SessionOptions,
  { engine, numerics, device, precision, tune }: Settings,
  { log, cacheFolder }: SessionContext,
): Promise<ChosenEngine | undefined> {
  if (training.workers === 0) return undefined;
  const chosen = await chooseEngine(engine, numerics, device, precision);
  const tuned = withTuning(chosen, { tune, cacheFolder });
  if (tuned.notice !== undefined) log.notice(tuned.notice);
  return tuned;
}

function tellOfRecipe(recipe: Recipe, given: ReadonlySet<string>, log: RunLog): void {
  recipeRemarks(recipe, given).forEach((text) => log.say(text));
  recipeNotices(recipe, given).forEach((text) => log.notice(text));
}

interface FleetSurroundings {
  readonly model: Model;
  readonly recipe: Recipe;
  readonly fleet: Fleet;
  readonly context: SessionContext;
  /** What has to be ended, in the order in which it was begun. */
  readonly closers: Closer[];
}

/** @returns what the threads of this process compute with, if there are any */
async function attachWorkers(
  { training }: SessionOptions,
  engine: ChosenEngine | undefined,
  preparedDoor: PreparedDoor | undefined,
  { model, recipe, fleet, context: { log, requestStop, resumeCommand }, closers }: FleetSurroundings,
): Promise<EngineDescription | undefined> {
  let local: EngineDescription | undefined;
  if (engine !== undefined) {
    const threads = threadsFor(engine, training.workers, training.given.has('workers'));
    const memories = { coordinatorMemories: vectorMemoriesFor(recipe), wire: recipe.wire };
    const node = await startLocalNode(engine, threads, memories);
    local = node.description;
    closers.push(() => node.close());
    fleet.admit(node.channel, { local: true });
  }
  if (preparedDoor) {
    const reports: DoorReports = {
      onEvent: log.onEvent,
      say: (message) => log.say(message),
      notice: (message) => log.notice(message),
      subscribe: (subscriber) => log.subscribe(subscriber),
      requestStop,
      resumeCommand,
    };
    const door = await preparedDoor.open(fleet, model, reports);
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
  readonly context: SessionContext;
}

async function trainIn(
  folder: RunFolder,
  { recipe, model, dataset, split, normalisation, samples, initial }: PreparedData,
  { options, settings, resumed, fleet, context: { log, signal } }: Surroundings,
): Promise<RunResult> {
  const state = resumed
    ? TrainingState.from({ ...resumed.checkpoint, best: resumed.best })
    : TrainingState.fresh(
        model,
        recipe,
        { set: dataset.training, indices: split.training, normalisation },
        initial,
      );
  log.onEvent({
    event: 'run-started',
    runDir: folder.folder,
    model: recipe.model,
    dataset: recipe.dataset,
    parameterCount: model.layout.parameterCount,
    trainingSamples: split.training.length,
    validationSamples: split.validation.length,
    stepsPerEpoch: stepsPerEpoch(split.training.length, recipe.batchSize, recipe.dropLast),
    epochs: recipe.epochs,
    maxSteps: recipe.maxSteps,
    resumedAtStep: state.progress.step,
  });
  const result = await train({
    training: { recipe, model, state },
    data: {
      set: dataset.training,
      split,
      normalisation,
      samples,
      openTestSet: settings.test ? dataset.openTest : undefined,
      onTested: (tested) =>
        keepTested(tested, {
          ...{ runDir: folder.folder, recipe, model },
          onNotice: (message) => log.notice(message),
        }),
    },
    storage: { folder, checkpointEvery: settings.checkpointEvery },
    crew: { fleet, minWorkers: options.minWorkers },
    control: { onEvent: log.onEvent, signal },
  });
  const runEnded = result.stoppedBy !== 'signal';
  fleet.end(runEnded ? 'the run has ended' : 'the coordinator was stopped', { runEnded });
  return result;
}
