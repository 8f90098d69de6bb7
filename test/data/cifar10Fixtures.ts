/** Makes folders that look like CIFAR-10, from whole batches that are nearly all zeros (and take no room on disk). */

import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export const BATCH_BYTE_COUNT = 30_730_000;
export const TRAINING_FILES = [1, 2, 3, 4, 5].map((number) => `data_batch_${number}.bin`);
export const BINARY_FILES = [...TRAINING_FILES, 'test_batch.bin'];

/** An empty folder that goes when the test ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-data-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A complete binary set of black images of class 0. @returns the folder of the batches */
export async function writeBinarySet(
  parent: string,
  files: readonly string[] = BINARY_FILES,
): Promise<string> {
  const folder = join(parent, 'cifar-10-batches-bin');
  await mkdir(folder, { recursive: true });
  for (const file of files) await writeZeros(join(folder, file), BATCH_BYTE_COUNT);
  return folder;
}

export async function writeZeros(path: string, byteCount: number): Promise<void> {
  const handle = await open(path, 'w');
  await handle.truncate(byteCount);
  await handle.close();
}

/** Overwrites bytes in the middle of a file. */
export async function patch(path: string, position: number, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'r+');
  await handle.write(bytes, 0, bytes.length, position);
  await handle.close();
}

/** The folder of real data, or undefined where this machine has none. */
export const REAL_CIFAR10_DIR =
  process.env['LOCKSTEP_CIFAR10_DIR'] ?? join(import.meta.dirname, '../../../shared/cifar10');
