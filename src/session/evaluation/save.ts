/** Keeps an evaluation in the folder of the run whose checkpoint was evaluated. */

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
 * A folder in which nothing can be written is no reason to fail: the caller gets the evaluation all the same.
 * @returns the file; null if there is none
 */
export async function keepEvaluation(
  evaluation: Evaluation,
  checkpoint: string,
  onNotice: (message: string) => void,
): Promise<string | null> {
  const folder = runFolderOf(checkpoint);
  if (folder === undefined) return null;
  try {
    return await saveEvaluation(folder, evaluation);
  } catch (error) {
    onNotice(`the evaluation is not saved: ${folder} cannot be written (${describeError(error)})`);
    return null;
  }
}
