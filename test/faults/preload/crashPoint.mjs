/**
 * Kills this process with SIGKILL at one point of the nth write of a file in the folder of checkpoints:
 * LOCKSTEP_TEST_CRASH="point,n", the point one of opened, half-written, written, synced, renamed. It knows only which
 * calls of node:fs change files, not how Lockstep orders them.
 */

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';

const [point, nth] = (process.env['LOCKSTEP_TEST_CRASH'] ?? 'opened,1').split(',');
let left = Number(nth);

function die() {
  process.kill(process.pid, 'SIGKILL');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); // the signal may take a moment; nothing more happens
}

const isCheckpoint = (file) => path.basename(path.dirname(String(file))) === 'checkpoints';
const isForWriting = (flags) => typeof flags === 'string' && /[wa+]/.test(flags);

function reach(reached) {
  if (reached === point && --left <= 0) die();
}

/** Half of the bytes that were to be written, straight to the file, and then the end. */
function halfWrite(fd, data) {
  if (point !== 'half-written' || --left > 0) return;
  const bytes = Buffer.from(
    data.buffer ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : data,
  );
  fs.writeSync(fd, bytes.subarray(0, Math.floor(bytes.length / 2)));
  die();
}

function watchHandle(handle) {
  for (const method of ['writeFile', 'write', 'appendFile']) {
    const real = handle[method].bind(handle);
    handle[method] = async (data, ...rest) => {
      halfWrite(handle.fd, data);
      const result = await real(data, ...rest);
      reach('written');
      return result;
    };
  }
  for (const method of ['sync', 'datasync']) {
    const real = handle[method].bind(handle);
    handle[method] = async () => {
      await real();
      reach('synced');
    };
  }
  return handle;
}

const { open, rename } = fs.promises;
fs.promises.open = async (file, flags, ...rest) => {
  const handle = await open(file, flags, ...rest);
  if (!isCheckpoint(file) || !isForWriting(flags)) return handle;
  reach('opened');
  return watchHandle(handle);
};
fs.promises.rename = async (from, to) => {
  await rename(from, to);
  if (isCheckpoint(to)) reach('renamed');
};
const { renameSync } = fs;
fs.renameSync = (from, to) => {
  renameSync(from, to);
  if (isCheckpoint(to)) reach('renamed');
};
syncBuiltinESMExports();
