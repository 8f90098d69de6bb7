/** The folder of a set-up: filled beside its place under another name, tested there, and moved into place as a whole. */

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { isRecord } from '../foundation/isRecord.js';
import { isRunning } from '../foundation/isRunning.js';
import { noRoom, refuseForeign, writing } from './diskErrors.js';

const RECORD = 'setup.json';
/** Every set-up has it, even one that no longer works. */
const PACKAGES = path.join('node_modules', '@tensorflow');
const BYTES_PER_MB = 1e6;

export interface SetupRecord {
  readonly tensorflowVersion: string;
  readonly cuda: boolean;
  readonly from: 'package' | 'wheel';
  /** The Node that set it up. */
  readonly node: string;
}

/** What an earlier set-up left. Undefined for anything else, which is never replaced. */
export function readRecord(target: string): SetupRecord | undefined {
  try {
    const record: unknown = JSON.parse(readFileSync(path.join(target, RECORD), 'utf8'));
    return isSetupRecord(record) && existsSync(path.join(target, PACKAGES)) ? record : undefined;
  } catch {
    return undefined;
  }
}

function isSetupRecord(value: unknown): value is SetupRecord {
  return (
    isRecord(value) &&
    ['tensorflowVersion', 'node'].every((key) => typeof value[key] === 'string') &&
    typeof value['cuda'] === 'boolean' &&
    ['package', 'wheel'].includes(String(value['from']))
  );
}

/** @throws LockstepError E_OPTION for a folder with something else in it, which would be lost */
export function refuseForeignFolder(target: string): void {
  if (!existsSync(target) || readRecord(target) !== undefined) return;
  if (writing(target, () => readdirSync(target)).length === 0) return;
  refuseForeign(target);
}

/** A folder beside the target, to be filled. */
export interface Staging {
  readonly folder: string;
  /** Folders around it that did not exist, the outermost first. */
  readonly madeAround: readonly string[];
}

/** Folders of processes that have died are removed. @throws LockstepError E_IO */
export function openStaging(target: string): Staging {
  const { dir, base } = path.parse(target);
  const prefix = `${base}.partial-`;
  return writing(dir, () => {
    const madeAround: string[] = [];
    const folder = path.join(dir, `${prefix}${process.pid}`);
    try {
      makeFolders(dir, madeAround);
      removeAbandoned(dir, prefix);
      mkdirSync(folder);
    } catch (error) {
      removeIfEmpty(madeAround);
      throw error;
    }
    return { folder, madeAround };
  });
}

function removeAbandoned(dir: string, prefix: string): void {
  for (const name of readdirSync(dir).filter((entry) => entry.startsWith(prefix))) {
    const process = name.slice(prefix.length);
    if (/^\d+$/.test(process) && !isRunning(Number(process)))
      rmSync(path.join(dir, name), { recursive: true });
  }
}

/** Also removes the folders made around it that hold nothing: a set-up that failed leaves nothing behind. */
export function closeStaging({ folder, madeAround }: Staging): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  removeIfEmpty(madeAround);
}

/** @param folders the outermost first */
function removeIfEmpty(folders: readonly string[]): void {
  try {
    for (const folder of [...folders].reverse()) rmdirSync(folder);
  } catch {
    // It holds something by now, or is gone: the set-up's own error matters more.
  }
}

/** Not by Node's recursive mkdir, which never returns in /proc. @param made gets those that were missing, the outermost first */
function makeFolders(folder: string, made: string[]): void {
  if (existsSync(folder)) return;
  makeFolders(path.dirname(folder), made);
  mkdirSync(folder);
  made.push(folder);
}

/** @throws LockstepError E_IO */
export function checkSpace(folder: string, neededMb: number): void {
  const { bavail, bsize } = statfsSync(folder);
  const freeMb = Math.floor((bavail * bsize) / BYTES_PER_MB);
  if (freeMb >= neededMb) return;
  throw noRoom(`${folder} needs ${neededMb} MB of free space and has ${freeMb} MB`);
}

/** Moves a tested set-up into place; what was there before is removed. */
export function moveIntoPlace(staging: string, target: string, record: SetupRecord): void {
  writing(target, () => {
    writeFileSync(path.join(staging, RECORD), `${JSON.stringify(record, null, 2)}\n`);
    const old = `${staging}-old`;
    if (existsSync(target)) renameSync(target, old);
    try {
      renameSync(staging, target);
    } catch (error) {
      if (existsSync(old)) renameSync(old, target);
      throw error;
    }
    rmSync(old, { recursive: true, force: true });
  });
}
