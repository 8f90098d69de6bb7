/**
 * The folder of one run: config.json, metrics.jsonl, result.json and checkpoints/{last,previous,best,epoch}.safetensors.
 * Another run never overwrites any of it. result.json and the checkpoints are replaced as a whole.
 */

import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { readRegularFile } from '../../data/index.js';
import { describeError, LockstepError } from '../../foundation/errors.js';
import { advice, OptionError } from '../../foundation/options/optionError.js';
import type { Remedy } from '../../foundation/options/optionError.js';
import { CHECKPOINT_FILES, CheckpointFiles } from '../checkpoints/checkpointFiles.js';
import type { CheckpointName } from '../checkpoints/checkpointFiles.js';
import type { CheckpointSnapshot } from '../checkpoints/checkpointSnapshot.js';
import { CheckpointWriter } from '../checkpoints/checkpointWriter.js';
import type { SaveListener } from '../checkpoints/checkpointWriter.js';
import type { RunEvent } from '../run/events.js';
import {
  ioError,
  makeFolder,
  makeFreshFolder,
  removeTemporaries,
  writeFileAtomically,
} from '../checkpoints/files.js';
import {
  CHECKPOINTS,
  CONFIG,
  METRICS,
  refuseIfUnwritable,
  refuseIfWorthKeeping,
  removeRemains,
  RESULT,
  TRACKERS,
} from './folderContents.js';
import { checkLock, holdsLock, lockFolder, onLockLost, refuseIfLocked, unlockFolder } from './folderLock.js';
import type { Abandoned } from './lockLease.js';
import { MetricsFile } from './metricsFile.js';
import type { TrainingProgress } from '../run/progress.js';
import { priorResultSchema } from '../run/result.js';
import { checkJsonSize, configText } from './smallJson.js';
import type { PriorResult, RunResult } from '../run/result.js';

export class RunFolder {
  readonly checkpoints: CheckpointFiles;
  private readonly writer: CheckpointWriter;
  private metrics: MetricsFile | undefined;
  private unwrittenConfig: unknown;
  private configRetry: Promise<void> | undefined;
  /** Writes that still wait then must not run: another process may hold the folder. */
  private isClosed = false;

  private constructor(readonly folder: string) {
    this.checkpoints = new CheckpointFiles(path.join(folder, CHECKPOINTS), () => this.checkHeld());
    this.writer = new CheckpointWriter(this.checkpoints);
  }

  /**
   * A run that died before its first checkpoint does not count: there is nothing to resume or to lose.
   * @param abandoned what `watchForeignHolder` returned; likewise below
   * @throws LockstepError E_RUN_EXISTS if the folder holds a run, or a process is working in it;
   *   E_IO if it cannot be made or written to
   */
  static refuseIfTaken(folder: string, abandoned?: Abandoned): void {
    refuseIfLocked(folder, abandoned);
    refuseIfWorthKeeping(folder);
    refuseIfUnwritable(folder);
  }

  /**
   * What can be told of a folder for runs before it is made.
   * @throws LockstepError E_IO
   */
  static refuseIfUnwritable(parent: string): void {
    refuseIfUnwritable(parent);
  }

  /**
   * Makes the folder of a new run.
   * @throws LockstepError E_RUN_EXISTS if it holds a run already, E_IO if it cannot be made
   */
  static async create(folder: string, config: unknown, abandoned?: Abandoned): Promise<RunFolder> {
    RunFolder.refuseIfTaken(folder, abandoned);
    await makeFolder(folder);
    lockFolder(folder, abandoned);
    const run = new RunFolder(folder);
    try {
      refuseIfWorthKeeping(folder); // again: another run may have used the folder meanwhile
      await run.begin(config);
    } catch (error) {
      run.close();
      throw error;
    }
    return run;
  }

  /**
   * Makes the folder of a new run under this name. If the name is taken, uses the first free one of `name-2`, `name-3` and
   * so on. Processes that want the same name at the same moment each get their own.
   * @throws LockstepError E_IO if it cannot be made
   */
  static async createUnder(name: string, config: unknown): Promise<RunFolder> {
    await makeFolder(path.dirname(name));
    let folder = name;
    for (let number = 2; !(await makeFreshFolder(folder)); number++) folder = `${name}-${number}`;
    return RunFolder.create(folder, config);
  }

  /**
   * Opens the folder of an interrupted run, to resume it.
   * @throws LockstepError E_CHECKPOINT if there is no run, E_RUN_EXISTS if another process is working in it, E_IO
   */
  static open(folder: string, abandoned?: Abandoned): RunFolder {
    const run = new RunFolder(folder);
    if (!run.checkpoints.exist()) {
      throw new OptionError(
        [`${folder} holds no run that can be resumed: there is no ${run.checkpoints.fileOf('last')}`],
        [resumeRemedy(folder)],
        'E_CHECKPOINT',
      );
    }
    lockFolder(folder, abandoned);
    try {
      removeTemporaries(folder, [CONFIG, RESULT, TRACKERS]);
      removeTemporaries(path.join(folder, CHECKPOINTS), CHECKPOINT_FILES);
      run.metrics = MetricsFile.open(path.join(folder, METRICS));
    } catch (error) {
      run.close();
      throw error;
    }
    return run;
  }

  /** Calls `listener` once if another process takes the folder over, as it may if this one is stopped for long. */
  whenTakenOver(listener: (error: LockstepError) => void): void {
    onLockLost(this.folder, (error) => {
      const { metrics } = this;
      this.metrics = undefined;
      metrics?.abandon();
      queueMicrotask(() => listener(error)); // whoever has just written a line is not interrupted
    });
  }

  /** @throws LockstepError E_RUN_EXISTS if another process has taken the folder over, or this run is closed */
  checkHeld(): void {
    if (this.isClosed) throw closedError(this.folder);
    checkLock(this.folder);
  }

  checkpointFile(name: CheckpointName): string {
    return this.checkpoints.fileOf(name);
  }

  /** Saves in the background; see CheckpointWriter. */
  save(name: CheckpointName, snapshot: CheckpointSnapshot, onOutcome: SaveListener): void {
    this.writer.save(name, snapshot, (outcome) => {
      onOutcome(outcome);
      if (outcome.kind === 'saved') void this.retryConfig().catch(() => undefined); // tried again with the next checkpoint
    });
  }

  /**
   * Waits until all saved checkpoints are on disk.
   * @throws LockstepError E_IO if one cannot be written
   */
  async flush(): Promise<void> {
    await this.writer.flush();
    await this.configRetry?.catch(() => undefined);
    await this.retryConfig();
  }

  /**
   * Writes nothing, and says nothing, if another process has taken the folder over: a line of a process that was stopped for
   * long must not stand among the new owner's. This asks the file system once a line.
   * @param timeMs the moment of the event, since 1970
   * @returns the error if lines can no longer be written, once; they are written as soon as there is room
   */
  append(event: RunEvent, timeMs = Date.now()): LockstepError | undefined {
    if (!holdsLock(this.folder)) return undefined;
    return this.metrics?.append({ time: new Date(timeMs).toISOString(), ...event });
  }

  /**
   * Removes from metrics.jsonl what a resumed run computes again: steps, epochs and checkpoints after this progress.
   * @throws LockstepError E_IO, E_RUN_EXISTS if another process has taken the folder over
   */
  forgetMetricsAfter({ step, epoch }: Pick<TrainingProgress, 'step' | 'epoch'>): void {
    this.checkHeld();
    const isAbove = (value: unknown, last: number): boolean => typeof value === 'number' && value > last;
    this.metrics?.remove((line) => {
      switch (line['event']) {
        case 'step':
        case 'checkpoint':
          return isAbove(line['step'], step);
        case 'epoch':
          return isAbove(line['epoch'], epoch);
        case 'run-finished':
          return isAbove(line['stepsCompleted'], step);
        default:
          return false;
      }
    });
  }

  async writeResult(result: RunResult): Promise<void> {
    this.checkHeld();
    return writeFileAtomically(path.join(this.folder, RESULT), `${JSON.stringify(result, null, 2)}\n`);
  }

  /**
   * Removes the result: a resumed run no longer has one.
   * @throws LockstepError E_IO, E_RUN_EXISTS
   */
  async removeResult(): Promise<void> {
    this.checkHeld();
    const file = path.join(this.folder, RESULT);
    await rm(file, { force: true }).catch((error: unknown) => {
      throw ioError(file, error);
    });
  }

  private async retryConfig(): Promise<void> {
    if (this.unwrittenConfig === undefined) return;
    this.configRetry ??= this.writeConfig(this.unwrittenConfig).finally(() => (this.configRetry = undefined));
    await this.configRetry;
  }

  /** Replaces config.json as a whole. If that fails, it is tried again whenever a checkpoint is saved. */
  async writeConfig(config: unknown): Promise<void> {
    this.unwrittenConfig = config;
    this.checkHeld();
    await writeFileAtomically(this.configFile, configText(config));
    this.unwrittenConfig = undefined;
  }

  get configFile(): string {
    return path.join(this.folder, CONFIG);
  }

  /**
   * Undefined if there is none.
   * @throws LockstepError E_CHECKPOINT if it cannot be read
   */
  async readConfig(): Promise<unknown> {
    const remedy = 'put it back, or remove it: other settings can be given when the run is resumed';
    return existsSync(this.configFile) ? readJson(this.configFile, remedy) : undefined;
  }

  /**
   * Reads the parts of result.json that resuming needs; undefined if there is none, as after a failure or a kill.
   * @throws LockstepError E_CHECKPOINT if it cannot be read, or is not a result
   */
  async readResult(): Promise<PriorResult | undefined> {
    const file = path.join(this.folder, RESULT);
    if (!existsSync(file)) return undefined;
    const parsed = priorResultSchema.safeParse(await readJson(file));
    if (parsed.success) return parsed.data;
    throw new LockstepError('E_CHECKPOINT', `${file} is not the result of a run`);
  }

  close(): void {
    this.isClosed = true;
    if (holdsLock(this.folder)) this.metrics?.close();
    else this.metrics?.abandon();
    this.metrics = undefined;
    unlockFolder(this.folder);
  }

  private async begin(config: unknown): Promise<void> {
    try {
      await removeRemains(this.folder);
      await mkdir(path.join(this.folder, CHECKPOINTS));
      await this.writeConfig(config);
      this.metrics = MetricsFile.open(path.join(this.folder, METRICS));
    } catch (error) {
      // Nothing has run yet: remove the partial folder, so that the next attempt can use it.
      await removeRemains(this.folder).catch(() => undefined);
      throw error instanceof LockstepError ? error : ioError(this.folder, error);
    }
  }
}

function closedError(folder: string): OptionError {
  return new OptionError(
    [`the run in ${folder} is closed: this process no longer holds its lock, and writes nothing more`],
    [advice('continue it with ', { option: 'resume', value: folder })],
    'E_RUN_EXISTS',
  );
}

/** Something inside a run is often given for the run. */
function resumeRemedy(given: string): Remedy {
  const parent = path.dirname(given);
  const around = [parent, path.dirname(parent)].find((folder) =>
    new CheckpointFiles(path.join(folder, CHECKPOINTS)).exist(),
  );
  return around === undefined
    ? advice('give ', { option: 'resume' }, ' the folder of a run')
    : advice('give the run that it is in: ', { option: 'resume', value: around });
}

async function readJson(file: string, remedy?: string): Promise<unknown> {
  try {
    return JSON.parse((await readRegularFile(file, checkJsonSize)).toString('utf8'));
  } catch (error) {
    throw new LockstepError(
      'E_CHECKPOINT',
      `cannot read ${file}: ${describeError(error)}${remedy === undefined ? '' : `; ${remedy}`}`,
    );
  }
}
