/**
 * The folder of one run: config.json, metrics.jsonl, checkpoints/{last,previous,best,epoch}.safetensors, result.json. Nothing
 * in it is ever overwritten by another run; result.json and the checkpoints are replaced whole.
 */

import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { readRegularFile } from '../../data/index.js';
import { describeError, LockstepError } from '../../foundation/errors.js';
import { shellWord } from '../../foundation/shellWord.js';
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
import { checkLock, hasLock, lockFolder, onLockLost, refuseIfLocked, unlockFolder } from './folderLock.js';
import type { Abandoned } from './lockLease.js';
import { MetricsFile } from './metricsFile.js';
import type { TrainingProgress } from '../run/progress.js';
import { priorResultSchema } from '../run/result.js';
import type { PriorResult, RunResult } from '../run/result.js';

const CONFIG = 'config.json';
const METRICS = 'metrics.jsonl';
const RESULT = 'result.json';
const CHECKPOINTS = 'checkpoints';

export class RunFolder {
  readonly checkpoints: CheckpointFiles;
  private readonly writer: CheckpointWriter;
  private metrics: MetricsFile | undefined;
  private unwrittenConfig: unknown;
  private configRetry: Promise<void> | undefined;

  private constructor(readonly folder: string) {
    this.checkpoints = new CheckpointFiles(path.join(folder, CHECKPOINTS), () => checkLock(folder));
    this.writer = new CheckpointWriter(this.checkpoints);
  }

  /**
   * A run that died before its first checkpoint does not count: there is nothing to continue, nor to lose.
   * @param abandoned what `watchForeignHolder` returned; likewise below
   * @throws LockstepError E_RUN_EXISTS if the folder holds a run, or a process works in it
   */
  static refuseIfTaken(folder: string, abandoned?: Abandoned): void {
    refuseIfLocked(folder, abandoned);
    refuseIfWorthKeeping(folder);
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
      refuseIfWorthKeeping(folder); // again: another run may have come and gone meanwhile
      await run.begin(config);
    } catch (error) {
      run.close();
      throw error;
    }
    return run;
  }

  /**
   * Makes the folder of a new run under this name or, where that is taken, under the first free one of `name-2`, `name-3`
   * and so on; of several processes that want the same name at the same moment, each gets its own.
   * @throws LockstepError E_IO if it cannot be made
   */
  static async createUnder(name: string, config: unknown): Promise<RunFolder> {
    await makeFolder(path.dirname(name));
    let folder = name;
    for (let number = 2; !(await makeFreshFolder(folder)); number++) folder = `${name}-${number}`;
    return RunFolder.create(folder, config);
  }

  /**
   * Opens the folder of an interrupted run, to continue it.
   * @throws LockstepError E_CHECKPOINT if there is no run, E_RUN_EXISTS if another process is working in it, E_IO
   */
  static open(folder: string, abandoned?: Abandoned): RunFolder {
    const run = new RunFolder(folder);
    if (!run.checkpoints.exist()) {
      throw new LockstepError(
        'E_CHECKPOINT',
        `${folder} holds no run that can be resumed: there is no ${run.checkpoints.fileOf('last')}; ${resumeRemedy(folder)}`,
      );
    }
    lockFolder(folder, abandoned);
    try {
      removeTemporaries(folder, [CONFIG, RESULT]);
      removeTemporaries(path.join(folder, CHECKPOINTS), CHECKPOINT_FILES);
      run.metrics = MetricsFile.open(path.join(folder, METRICS));
    } catch (error) {
      run.close();
      throw error;
    }
    return run;
  }

  /** Tells once if another process takes the folder over, as it may when this one stands still for long. */
  whenTakenOver(listener: (error: LockstepError) => void): void {
    onLockLost(this.folder, (error) => {
      this.metrics?.close();
      this.metrics = undefined;
      listener(error);
    });
  }

  checkpointFile(name: CheckpointName): string {
    return this.checkpoints.fileOf(name);
  }

  /** Writes behind the run's back; see CheckpointWriter. */
  save(name: CheckpointName, snapshot: CheckpointSnapshot, onOutcome: SaveListener): void {
    this.writer.save(name, snapshot, (outcome) => {
      onOutcome(outcome);
      if (outcome.kind === 'saved') void this.retryConfig().catch(() => undefined); // with the next one, then
    });
  }

  /**
   * Waits until all that was saved is on disk.
   * @throws LockstepError E_IO if the newest cannot be written
   */
  async flush(): Promise<void> {
    await this.writer.flush();
    await this.configRetry?.catch(() => undefined);
    await this.retryConfig();
  }

  /** @returns what keeps lines from being written, when it begins; they are written as soon as there is room */
  append(event: RunEvent): LockstepError | undefined {
    return this.metrics?.append({ time: new Date().toISOString(), ...event });
  }

  /**
   * Takes out of metrics.jsonl what a resumed run does again: steps, epochs and checkpoints beyond this progress.
   * @throws LockstepError E_IO
   */
  forgetMetricsAfter({ step, epoch }: Pick<TrainingProgress, 'step' | 'epoch'>): void {
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
    checkLock(this.folder);
    return writeFileAtomically(path.join(this.folder, RESULT), `${JSON.stringify(result, null, 2)}\n`);
  }

  /**
   * Once a run is continued, the result of the sitting before no longer holds.
   * @throws LockstepError E_IO
   */
  async removeResult(): Promise<void> {
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

  /** Replaces the configuration as a whole. If that fails, it is tried again with each checkpoint that can be saved. */
  async writeConfig(config: unknown): Promise<void> {
    this.unwrittenConfig = config;
    checkLock(this.folder);
    await writeFileAtomically(this.configFile, `${JSON.stringify(config, null, 2)}\n`);
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
    const remedy = 'put it back, or remove it: other settings can be given to --resume';
    return existsSync(this.configFile) ? readJson(this.configFile, remedy) : undefined;
  }

  /**
   * What resuming needs of the result of the sitting before, whatever ended it, a signal too; undefined if it failed or
   * was killed.
   * @throws LockstepError E_CHECKPOINT if it cannot be read, or is no result
   */
  async readResult(): Promise<PriorResult | undefined> {
    const file = path.join(this.folder, RESULT);
    if (!existsSync(file)) return undefined;
    const parsed = priorResultSchema.safeParse(await readJson(file));
    if (parsed.success) return parsed.data;
    throw new LockstepError('E_CHECKPOINT', `${file} is not the result of a run`);
  }

  close(): void {
    this.metrics?.close();
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
      // Nothing has run yet: leave no half-made run in the way of the next attempt.
      await removeRemains(this.folder).catch(() => undefined);
      throw error instanceof LockstepError ? error : ioError(this.folder, error);
    }
  }
}

/** Something inside a run is often given for the run. */
function resumeRemedy(given: string): string {
  const parent = path.dirname(given);
  const around = [parent, path.dirname(parent)].find((folder) =>
    new CheckpointFiles(path.join(folder, CHECKPOINTS)).exist(),
  );
  return around === undefined
    ? 'give --resume the folder of a run'
    : `give the run that it is in: --resume ${shellWord(around)}`;
}

/** @throws LockstepError E_RUN_EXISTS unless the folder holds no more than a run that died before its first checkpoint */
function refuseIfWorthKeeping(folder: string): void {
  const has = (name: string): boolean => existsSync(path.join(folder, name));
  const taken = [CONFIG, METRICS, RESULT, CHECKPOINTS].find(has);
  if (taken === undefined) {
    if (!hasLock(folder)) refuseIfNotEmpty(folder); // else a run began there, and died before it had made anything
    return;
  }
  // A run makes its checkpoints folder first, then config.json and metrics.jsonl: a lone config.json is another's.
  const isOfARun = has(CHECKPOINTS) && (!has(CONFIG) || has(METRICS) || hasLock(folder));
  if (isOfARun && !has(RESULT) && holdsNothing(path.join(folder, CHECKPOINTS))) return;
  const canBeResumed = new CheckpointFiles(path.join(folder, CHECKPOINTS)).exist();
  throw new LockstepError(
    'E_RUN_EXISTS',
    `${folder} holds a run already (${taken}); ` +
      `${canBeResumed ? `continue it with --resume ${shellWord(folder)}, or ` : ''}choose another --run-dir`,
  );
}

/** What a file system or a tool may put into any folder. */
const NOBODYS = /^(\.|lost\+found$)/;
const LOCK = 'run.lock';

/** @throws LockstepError E_RUN_EXISTS if files lie there that are no run's: among them a run's could not be told apart */
function refuseIfNotEmpty(folder: string): void {
  if (!existsSync(folder)) return;
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTDIR') throw ioError(folder, error);
    throw new LockstepError(
      'E_RUN_EXISTS',
      `${folder} is a file, and a run needs a folder of its own; choose a new or an empty one with --run-dir`,
    );
  }
  const foreign = names.find((name) => !NOBODYS.test(name) && !name.startsWith(LOCK));
  if (foreign === undefined) return;
  throw new LockstepError(
    'E_RUN_EXISTS',
    `${folder} is not empty (${foreign}), and a run needs a folder of its own; choose a new or an empty one with --run-dir`,
  );
}

/** Whether this is a folder without anything but files that were never finished. */
function holdsNothing(checkpoints: string): boolean {
  try {
    return readdirSync(checkpoints).every((name) => name.endsWith('.tmp'));
  } catch {
    return false; // no folder, or none that may be looked into
  }
}

async function removeRemains(folder: string): Promise<void> {
  removeTemporaries(folder, [CONFIG, RESULT]);
  for (const name of [CHECKPOINTS, CONFIG, METRICS])
    await rm(path.join(folder, name), { recursive: true, force: true });
}

/** Of config.json and result.json, which take some hundred bytes. */
const MOST_JSON_BYTES = 1 << 20;

function checkJsonSize(byteCount: number): void {
  if (byteCount > MOST_JSON_BYTES) throw new Error(`it has ${byteCount} bytes, more than any such file`);
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
