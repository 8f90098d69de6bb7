/** The folder of a set-up: filled beside its place under another name, proven there, and moved into place as a whole. */

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { SetupFailure, WHERE_ELSE, writing } from './failure.mjs';

const RECORD = 'setup.json';

/** What an earlier set-up left, or undefined. */
export function readRecord(target) {
  try {
    return JSON.parse(readFileSync(path.join(target, RECORD), 'utf8'));
  } catch {
    return undefined;
  }
}

/** @throws SetupFailure E_OPTION for a folder with something else in it, which would be lost */
export function refuseForeignFolder(target) {
  if (!existsSync(target) || readRecord(target) !== undefined || readdirSync(target).length === 0) return;
  throw new SetupFailure(
    'E_OPTION',
    `${target} holds something else, which would be replaced; empty it, or name another folder in LOCKSTEP_TENSORFLOW_DIR`,
  );
}

/** @returns a new folder beside the target; those of processes that have died are removed */
export function openStaging(target) {
  const { dir, base } = path.parse(target);
  const prefix = `${base}.partial-`;
  return writing(dir, () => {
    makeFolders(dir);
    for (const name of readdirSync(dir).filter((entry) => entry.startsWith(prefix))) {
      if (!isAlive(Number(name.slice(prefix.length)))) rmSync(path.join(dir, name), { recursive: true });
    }
    const staging = path.join(dir, `${prefix}${process.pid}`);
    mkdirSync(staging);
    return staging;
  });
}

/** Not by Node's recursive mkdir, which never returns in /proc. */
function makeFolders(folder) {
  if (existsSync(folder)) return;
  makeFolders(path.dirname(folder));
  mkdirSync(folder);
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** @throws SetupFailure E_IO */
export function checkSpace(folder, neededMb) {
  const { bavail, bsize } = statfsSync(folder);
  const freeMb = Math.floor((bavail * bsize) / 1e6);
  if (freeMb >= neededMb) return;
  throw new SetupFailure(
    'E_IO',
    `${neededMb} MB are needed in ${folder}, and ${freeMb} MB are free; ${WHERE_ELSE}`,
  );
}

/** Moves a proven set-up into place; what was there before goes. */
export function moveIntoPlace(staging, target, record) {
  writing(target, () => {
    writeFileSync(path.join(staging, RECORD), `${JSON.stringify(record, null, 2)}\n`);
    const old = `${staging}-old`;
    if (existsSync(target)) renameSync(target, old);
    renameSync(staging, target);
    rmSync(old, { recursive: true, force: true });
  });
}
