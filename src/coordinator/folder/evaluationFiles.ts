/** The evaluations in a run folder: `evaluation-<time>-epoch<n>.json`, one for each time that weights were tested. */

import { constants } from 'node:fs';
import { copyFile, link, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseEvaluation } from '../run/evaluation.js';
import type { Evaluation } from '../run/evaluation.js';

const NAME = /^evaluation-[\w.-]{1,100}\.json$/;
/** A confusion matrix of 256 classes and a hundred images have less. */
const MOST_BYTES = 4 << 20;
const MOST_ATTEMPTS = 1000;

/**
 * Writes the evaluation under a name that is free: the file is whole or not there, and none is replaced.
 * @returns the file
 * @throws the error of the file system, such as EROFS or ENOSPC
 */
export async function saveEvaluation(folder: string, evaluation: Evaluation): Promise<string> {
  const workplace = await mkdtemp(path.join(folder, '.evaluation-'));
  try {
    const whole = path.join(workplace, 'whole.json');
    await writeFile(whole, `${JSON.stringify(evaluation)}\n`, { flush: true });
    return await linkToFreeName(whole, folder, evaluation);
  } finally {
    await rm(workplace, { recursive: true, force: true });
  }
}

/** A link, unlike a rename, fails if the name is taken: two processes may evaluate at the same time. */
async function put(whole: string, file: string): Promise<void> {
  try {
    await link(whole, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error;
    await copyFile(whole, file, constants.COPYFILE_EXCL); // a file system without links
  }
}

async function linkToFreeName(
  whole: string,
  folder: string,
  { evaluatedAt, epoch }: Evaluation,
): Promise<string> {
  const stem = `evaluation-${evaluatedAt.slice(0, 19).replaceAll(':', '-')}-epoch${epoch}`;
  for (let attempt = 1; ; attempt++) {
    const file = path.join(folder, `${stem}${attempt === 1 ? '' : `-${attempt}`}.json`);
    try {
      await put(whole, file);
      return file;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EEXIST' || attempt >= MOST_ATTEMPTS) throw error;
    }
  }
}

/** Names of files, the latest evaluation first. Empty for a folder that cannot be read. */
export async function evaluationNames(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  // The names begin with their time.
  return names
    .filter((name) => NAME.test(name))
    .sort()
    .reverse();
}

/** Undefined for what is no evaluation, or is larger than any. */
export async function readEvaluation(folder: string, name: string): Promise<Evaluation | undefined> {
  if (!NAME.test(name)) return undefined;
  try {
    const file = path.join(folder, name);
    const stats = await stat(file);
    if (!stats.isFile() || stats.size > MOST_BYTES) return undefined;
    return parseEvaluation(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}
