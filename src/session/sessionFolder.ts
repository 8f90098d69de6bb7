/** The run folder of a session: who holds it, how it is made, how it is continued. */

import path from 'node:path';
import { RunFolder, watchForeignHolder } from '../coordinator/index.js';
import type { Abandoned, Recipe } from '../coordinator/index.js';
import { LockstepError } from '../foundation/errors.js';
import { quoted } from '../foundation/options/optionError.js';
import { whenThereIsRoom } from './diskRoom.js';
import { resumeRun } from './resume.js';
import type { ResumedRun } from './resume.js';
import type { RunLog } from './runLog.js';
import type { SessionOptions } from './sessionOptions.js';

/** A process of another host or container that holds the folder is watched: it may be gone. */
export async function watchOwner(
  { resume, runDir }: SessionOptions,
  log: RunLog,
  signal: AbortSignal,
): Promise<Abandoned | undefined> {
  const folder = resume ?? runDir;
  if (folder === undefined) return undefined;
  const abandoned = await watchForeignHolder(folder, {
    signal,
    onWatch: (who, forMs) =>
      log.notice(
        `${who} has locked ${folder}. Its lease is watched for ${forMs / 1000} s: the run goes on here if it is not renewed`,
      ),
  });
  if (abandoned) log.notice('the lease was not renewed: the folder is taken over');
  return abandoned;
}

/** Holds the runs that nobody gave a folder. */
const DEFAULT_PARENT = 'runs';

/**
 * Nobody waits for data and workers only to hear that their run cannot be kept.
 * @throws LockstepError E_RUN_EXISTS, E_IO
 */
export function refuseFolder({ resume, runDir }: SessionOptions, abandoned: Abandoned | undefined): void {
  if (resume !== undefined) return;
  if (runDir !== undefined) RunFolder.refuseIfTaken(runDir, abandoned);
  else RunFolder.refuseIfUnwritable(DEFAULT_PARENT);
}

interface Opening {
  readonly log: RunLog;
  readonly signal: AbortSignal;
  readonly abandoned: Abandoned | undefined;
}

/** Opens the run to resume, if any. If the disk is too full to lock its folder, waits until there is room. */
export async function openResumed(
  { resume, training, test }: SessionOptions,
  { log, signal, abandoned }: Opening,
): Promise<ResumedRun | undefined> {
  if (resume === undefined) return undefined;
  return whenThereIsRoom(() => resumeRun(resume, training, { test, abandoned }), {
    signal,
    onFull: (error) =>
      log.notice([quoted(error), '. The run goes on as soon as there is room to lock its folder']),
  });
}

/** Without a name of the user's own, under one that begins with the time, the model and the seed. */
export function createFolder(
  { runDir }: SessionOptions,
  { model, seed }: Recipe,
  config: unknown,
  abandoned: Abandoned | undefined,
): Promise<RunFolder> {
  if (runDir !== undefined) return RunFolder.create(runDir, config, abandoned);
  const stamp = new Date().toISOString().slice(0, 19).replace(/:/g, '-');
  return RunFolder.createUnder(path.join(DEFAULT_PARENT, `${stamp}-${model}-seed${seed}`), config);
}

/** Replaces the settings of the previous session, and removes its result. */
export async function continueIn(
  folder: RunFolder,
  config: unknown,
  { resumed, log }: { readonly resumed: ResumedRun; readonly log: RunLog },
): Promise<void> {
  try {
    await folder.writeConfig(config);
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code !== 'E_IO') throw error;
    log.notice([quoted(error), '. Until then it has the settings of the previous session; training goes on']);
  }
  await folder.removeResult();
  folder.forgetMetricsAfter(resumed.checkpoint.progress);
}
