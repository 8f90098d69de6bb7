/** Finds the run folders below a folder. */

import { existsSync, readdirSync } from 'node:fs';
import type { Dirent } from 'node:fs';
import path from 'node:path';
import { describeError, LockstepError } from '../../foundation/errors.js';

/** The most levels below the folder that is searched; `experiment/seed1/try2` has three. */
const DEEPEST = 4;

/** A run folder has one of these, which only Lockstep writes. Kept records have `epochs.jsonl`. */
const METRICS_FILES = ['metrics.jsonl', 'epochs.jsonl'] as const;

export function isRunFolder(folder: string): boolean {
  const has = (name: string): boolean => existsSync(path.join(folder, name));
  return has('config.json') && (METRICS_FILES.some(has) || has('result.json') || has('checkpoints'));
}

/** metrics.jsonl; of a kept record, which has only its epochs, epochs.jsonl. */
export function metricsFileOf(folder: string): string {
  const files = METRICS_FILES.map((name) => path.join(folder, name));
  return files.find((file) => existsSync(file)) ?? files[0]!;
}

/**
 * The folder itself if it is a run, else the runs below it, sorted by path. Follows no symbolic links, so it ends.
 * @throws LockstepError E_IO if the folder cannot be read
 */
export function findRuns(root: string): readonly string[] {
  if (isRunFolder(root)) return [root];
  let entries: readonly Dirent[];
  try {
    entries = readdirSync(root, { withFileTypes: true });
  } catch (error) {
    throw unreadable(root, error);
  }
  return runsAmong(root, entries, 1).sort();
}

function runsAmong(parent: string, entries: readonly Dirent[], depth: number): string[] {
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .flatMap(({ name }) => {
      const folder = path.join(parent, name);
      if (isRunFolder(folder)) return [folder];
      return depth < DEEPEST ? runsAmong(folder, entriesOf(folder), depth + 1) : [];
    });
}

/** A folder below that may not be read holds nothing that can be shown. */
function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function unreadable(folder: string, error: unknown): LockstepError {
  const { code } = error as NodeJS.ErrnoException;
  const what =
    code === 'ENOENT'
      ? 'does not exist'
      : code === 'ENOTDIR'
        ? 'is not a folder'
        : `cannot be read (${describeError(error)})`;
  return refused(folder, what);
}

function refused(folder: string, what: string): LockstepError {
  return new LockstepError(
    'E_IO',
    `${folder} ${what}; train a run first, or name a run folder or a folder of runs`,
  );
}

/**
 * Checks that a folder is a run, where the user has named one.
 * @throws LockstepError E_IO
 */
export function requireRun(folder: string): string {
  if (isRunFolder(folder)) return folder;
  if (!existsSync(folder)) throw refused(folder, 'does not exist');
  throw new LockstepError(
    'E_IO',
    `${folder} is not a run folder: it has no config.json with metrics.jsonl beside it; name a folder such as runs/my-run`,
  );
}
