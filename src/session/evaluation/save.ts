/** Keeps an evaluation in the folder of the run whose weights were evaluated. */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { saveEvaluation } from '../../coordinator/index.js';
import type { Evaluation } from '../../coordinator/index.js';
import { describeError } from '../../foundation/errors.js';

/** The run folder of a checkpoint; undefined for a file outside a run folder. */
export function runFolderOf(checkpoint: string): string | undefined {
  const folder = path.join(path.dirname(checkpoint), '..');
  const isInPlace = path.basename(path.dirname(path.resolve(checkpoint))) === 'checkpoints';
  return isInPlace && existsSync(path.join(folder, 'config.json')) ? folder : undefined;
}

/**
 * For a checkpoint of a run. A folder in which nothing can be written is no reason to fail: the caller gets the evaluation all the same.
 * @returns the file; null if there is none
 */
export async function keepEvaluation(
  evaluation: Evaluation,
  checkpoint: string,
  onNotice: (message: string) => void,
): Promise<string | null> {
  const folder = runFolderOf(checkpoint);
  return folder === undefined ? null : keepIn(folder, evaluation, onNotice);
}

/** @returns the file; null if it cannot be written, of which a notice tells */
export async function keepIn(
  folder: string,
  evaluation: Evaluation,
  onNotice: (message: string) => void,
): Promise<string | null> {
  try {
    return await saveEvaluation(folder, evaluation);
  } catch (error) {
    onNotice(`the evaluation is not saved: ${folder} cannot be written (${describeError(error)})`);
    return null;
  }
}
