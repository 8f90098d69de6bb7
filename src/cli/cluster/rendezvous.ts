/**
 * How the processes of a job find each other by the run folder, which they share: rank 0 leaves the secret that the others
 * show, in a file that only its user can read, and the address where it listens. The secret stays while the run is
 * unfinished, so that ranks that go on trying come in again after rank 0 was started anew, perhaps elsewhere.
 */

import { randomBytes, randomUUID } from 'node:crypto';
import { linkSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Stats } from 'node:fs';
import path from 'node:path';
import { setTimeout as pauseFor } from 'node:timers/promises';
import { describeError, LockstepError } from '../../foundation/errors.js';
import { isTokenText } from '../../session/index.js';

const TOKEN = '.launch-token';
const ADDRESS = '.launch-address';
const TOKEN_BYTES = 24;
const LOOK_EVERY_MS = 250;
const LONGEST_FILE_BYTES = 4096;
const OTHERS = 0o077;

export function tokenFileOf(runDir: string): string {
  return path.join(runDir, TOKEN);
}

/**
 * The secret of the run: the one that is there, or a new one.
 * @throws LockstepError E_IO if it cannot be written, or others can read it
 */
export function makeToken(runDir: string): string {
  const file = tokenFileOf(runDir);
  const found = readToken(runDir);
  if (found !== undefined) return found;
  const token = randomBytes(TOKEN_BYTES).toString('hex');
  const prepared = `${file}.${randomUUID()}.tmp`;
  try {
    mkdirSync(runDir, { recursive: true });
    writeFileSync(prepared, `${token}\n`, { mode: 0o600, flag: 'wx' });
    linkSync(prepared, file); // complete, or not there; fails if there is one meanwhile
    return token;
  } catch (error) {
    const other = readToken(runDir);
    if (other !== undefined) return other;
    throw cannotShare(file, error);
  } finally {
    rmSync(prepared, { force: true });
  }
}

/**
 * @returns undefined if there is none
 * @throws LockstepError E_IO if it is not ours, or others can read it: they could take part in the run
 */
export function readToken(runDir: string): string | undefined {
  const file = tokenFileOf(runDir);
  const stat = tokenStat(file);
  if (!stat) return undefined;
  const isOwn = process.getuid === undefined || stat.uid === process.getuid();
  const isPrivate = process.platform === 'win32' || (stat.mode & OTHERS) === 0;
  if (!stat.isFile() || !isOwn || !isPrivate || stat.size > LONGEST_FILE_BYTES)
    throw new LockstepError(
      'E_IO',
      `${file} must be a file of this user that nobody else can read (mode 0600), for it holds a secret; remove it, or give the secret with LOCKSTEP_TOKEN or --token-file`,
    );
  const token = readFileSync(file, 'utf8').trim();
  return isTokenText(token) ? token : undefined;
}

/** @throws LockstepError E_IO for a run folder that is a file, or may not be looked into */
function tokenStat(file: string): Stats | undefined {
  try {
    return lstatSync(file, { throwIfNoEntry: false });
  } catch (error) {
    throw cannotShare(file, error);
  }
}

/** To be called once rank 0 listens. @throws LockstepError E_IO */
export function publishAddress(runDir: string, url: string): void {
  const file = path.join(runDir, ADDRESS);
  const prepared = `${file}.${randomUUID()}.tmp`;
  try {
    mkdirSync(runDir, { recursive: true });
    writeFileSync(prepared, `${url}\n`, { flag: 'wx' });
    renameSync(prepared, file);
  } catch (error) {
    rmSync(prepared, { force: true });
    throw cannotShare(file, error);
  }
}

/** @returns undefined if there is none, or it is no address */
export function readAddress(runDir: string): URL | undefined {
  try {
    const text = readFileSync(path.join(runDir, ADDRESS), 'utf8').slice(0, LONGEST_FILE_BYTES).trim();
    const url = URL.canParse(text) ? new URL(text) : undefined;
    return url && /^wss?:$/.test(url.protocol) ? url : undefined;
  } catch {
    return undefined;
  }
}

/** Of a run that has ended: nobody is to come in any more. */
export function withdraw(runDir: string): void {
  for (const name of [TOKEN, ADDRESS]) {
    try {
      rmSync(path.join(runDir, name), { force: true });
    } catch {
      // A disk that has become read-only; the run's own outcome matters more.
    }
  }
}

/**
 * Looks until there is something to see, as long as `forMs`.
 * @throws the reason of `signal` if it is aborted
 */
export async function lookUntil<Found>(
  look: () => Found | undefined,
  { forMs, signal }: { readonly forMs: number; readonly signal: AbortSignal },
): Promise<Found | undefined> {
  const sinceMs = performance.now();
  for (;;) {
    const found = look();
    if (found !== undefined || performance.now() - sinceMs > forMs) return found;
    await pauseFor(LOOK_EVERY_MS, undefined, { signal }).catch((error: unknown) => {
      throw signal.aborted ? signal.reason : error;
    });
  }
}

function cannotShare(file: string, error: unknown): LockstepError {
  return new LockstepError(
    'E_IO',
    `cannot share ${file}: ${describeError(error)}; choose another --run-dir, or give the secret with LOCKSTEP_TOKEN or --token-file`,
    { cause: error },
  );
}
