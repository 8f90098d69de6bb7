/**
 * Kills this process with SIGKILL at one point of the nth write of a file in the folder of checkpoints:
 * LOCKSTEP_TEST_CRASH="point,n". The points: opened, half-written, written (not synced), synced, read-back (all is done
 * but the renaming to its name), renamed.
 */

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';

const [point, nth] = (process.env['LOCKSTEP_TEST_CRASH'] ?? 'opened,1').split(',');
let opened = 0;
/** The path of the nth file. */
let doomed;

function reach(reached) {
  if (reached !== point) return;
  process.kill(process.pid, 'SIGKILL');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); // the signal may take a moment; nothing more happens
}

const isCheckpoint = (file) => path.basename(path.dirname(String(file))) === 'checkpoints';
const isForWriting = (flags) => typeof flags === 'string' && /[wa+]/.test(flags);

function watchHandle(handle) {
  const { writeFile, sync } = handle;
  handle.writeFile = async (data, ...rest) => {
    if (point === 'half-written') {
      fs.writeSync(handle.fd, data.subarray(0, Math.floor(data.byteLength / 2)));
      reach('half-written');
    }
    return writeFile.call(handle, data, ...rest);
  };
  handle.sync = async () => {
    reach('written');
    await sync.call(handle);
    reach('synced');
  };
  return handle;
}

const { open, rename } = fs.promises;
fs.promises.open = async (file, flags, ...rest) => {
  const handle = await open(file, flags, ...rest);
  if (!isCheckpoint(file) || !isForWriting(flags) || ++opened !== Number(nth)) return handle;
  doomed = String(file);
  reach('opened');
  return watchHandle(handle);
};
fs.promises.rename = async (from, to) => {
  if (String(from) === doomed) reach('read-back');
  await rename(from, to);
  if (String(from) === doomed) reach('renamed');
};
syncBuiltinESMExports();
