/**
 * The folder of one run: config.json, metrics.jsonl, checkpoints/{last,previous,best}.safetensors, result.json. Nothing
 * in it is ever overwritten by another run; result.json and the checkpoints are replaced whole.
 */

import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { describeError, LockstepError } from '../foundation/errors.js';
import { CHECKPOINT_FILES, CheckpointFiles } from './checkpointFiles.js';
import type { CheckpointName } from './checkpointFiles.js';
import type { CheckpointSnapshot } from './checkpointSnapshot.js';
import { CheckpointWriter } from './checkpointWriter.js';
import type { SaveListener } from './checkpointWriter.js';
import type { RunEvent } from './events.js';
import { ioError, makeFolder, removeTemporaries, writeFileAtomically } from './files.js';
import { hasLock, lockFolder, refuseIfLocked, unlockFolder } from './folderLock.js';
import { MetricsFile } from './metricsFile.js';
import type { RunResult } from './result.js';

const CONFIG = 'config.json';
const METRICS = 'metrics.jsonl';
const RESULT = 'result.json';
const CHECKPOINTS = 'checkpoints';

export class RunFolder {
  readonly checkpoints: CheckpointFiles;
  private readonly writer: CheckpointWriter;
  private metrics: MetricsFile | undefined;

  private constructor(readonly folder: string) {
    this.checkpoints = new CheckpointFiles(path.join(folder, CHECKPOINTS));
    this.writer = new CheckpointWriter(this.checkpoints);
  }

  /**
   * A run that died before its first checkpoint does not count: there is nothing to continue, nor to lose.
   * @throws LockstepError E_RUN_EXISTS if the folder holds a run, or a process works in it
   */
  static refuseIfTaken(folder: string): void {
    refuseIfLocked(folder);
    refuseIfWorthKeeping(folder);
  }

  /**
   * Makes the folder of a new run.
   * @throws LockstepError E_RUN_EXISTS if it holds a run already, E_IO if it cannot be made
   */
  static async create(folder: string, config: unknown): Promise<RunFolder> {
    RunFolder.refuseIfTaken(folder);
    await makeFolder(folder);
    lockFolder(folder);
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
   * Opens the folder of an interrupted run, to continue it.
   * @throws LockstepError E_CHECKPOINT if there is no run, E_RUN_EXISTS if another process is working in it, E_IO
   */
  static open(folder: string): RunFolder {
    const run = new RunFolder(folder);
    if (!run.checkpoints.exist()) {
      throw new LockstepError(
        'E_CHECKPOINT',
        `${folder} holds no run that can be resumed: there is no ${run.checkpoints.fileOf('last')}; give --resume the folder of a run`,
      );
    }
    lockFolder(folder);
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

  checkpointFile(name: CheckpointName): string {
    return this.checkpoints.fileOf(name);
  }

  /** Writes behind the run's back; see CheckpointWriter. */
  save(name: CheckpointName, snapshot: CheckpointSnapshot, onOutcome: SaveListener): void {
    this.writer.save(name, snapshot, onOutcome);
  }

  /**
   * Waits until all that was saved is on disk.
   * @throws LockstepError E_IO if the newest cannot be written
   */
  flush(): Promise<void> {
    return this.writer.flush();
  }

  /** @returns what keeps lines from being written, when it begins; they are written as soon as there is room */
  append(event: RunEvent): LockstepError | undefined {
    return this.metrics?.append({ time: new Date().toISOString(), ...event });
  }

  writeResult(result: RunResult): Promise<void> {
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

  /** Replaces the configuration as a whole. */
  writeConfig(config: unknown): Promise<void> {
    return writeFileAtomically(path.join(this.folder, CONFIG), `${JSON.stringify(config, null, 2)}\n`);
  }

  async readConfig(): Promise<unknown> {
    return readJson(path.join(this.folder, CONFIG));
  }

  /** The result of the sitting before, whatever ended it, a signal too; undefined if it failed or was killed. */
  async readResult(): Promise<Partial<RunResult> | undefined> {
    const file = path.join(this.folder, RESULT);
    return existsSync(file) ? ((await readJson(file)) as Partial<RunResult>) : undefined;
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
  throw new LockstepError(
    'E_RUN_EXISTS',
    `${folder} holds a run already (${taken}); continue it with --resume ${folder}, or choose another --run-dir`,
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
    throw ioError(folder, error);
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

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new LockstepError('E_CHECKPOINT', `cannot read ${file}: ${describeError(error)}`);
  }
}
