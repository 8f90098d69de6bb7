/** Finds a learning rate by a range test, and keeps the curve in a folder of its own. No weights are kept. */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { runRangeTest, suggestRate } from '../../check/index.js';
import type { RangeOptions, RatePoint, Subject, Suggestion } from '../../check/index.js';
import { RunFolder, writeFileAtomically } from '../../coordinator/index.js';
import { LockstepError } from '../../foundation/errors.js';
import { LOCKSTEP_VERSION } from '../../protocol/index.js';
import { makeNewFolder, refuseFilled } from '../emptyFolder.js';
import { OptionError, use } from '../../foundation/options/optionError.js';
import type { TrainingOptions } from '../trainingOptions.js';
import { prepareSubject } from './prepareSubject.js';
import type { PreparationContext } from './prepareSubject.js';

export interface LearningRateOptions extends RangeOptions {
  readonly training: TrainingOptions;
  /** A new or an empty folder; undefined: one below `runs`. */
  readonly runDir: string | undefined;
  readonly onSubject?: ((subject: Subject) => void) | undefined;
  readonly onPoint?: ((point: RatePoint) => void) | undefined;
  /** Told of the result before it is written: a disk that is full by then must not take it. */
  readonly onSuggestion?: ((suggestion: Suggestion) => void) | undefined;
}

export interface FoundLearningRate extends Suggestion {
  /** The folder that holds the curve as `lr-find.json`. */
  readonly runDir: string;
}

export const LR_FIND_FILE = 'lr-find.json';
const DEFAULT_PARENT = 'runs';

/** @throws LockstepError, among others E_STOPPED if the signal came first */
export async function findLearningRate(
  options: LearningRateOptions,
  context: PreparationContext,
): Promise<FoundLearningRate> {
  const { training, from, to, steps, onSubject, onPoint, onSuggestion, runDir } = options;
  const { signal } = context;
  refuseBackwards(from, to);
  if (runDir !== undefined) refuseFilled(runDir, 'the curve is saved');
  RunFolder.refuseIfUnwritable(runDir ?? DEFAULT_PARENT);
  try {
    signal.throwIfAborted();
    const subject = await prepareSubject(training, false, context);
    onSubject?.(subject);
    const range = { from, to, steps };
    const test = await runRangeTest(subject, range, { signal, onPoint });
    const suggestion = withOtherWarnings(suggestRate(test), subject);
    onSuggestion?.(suggestion);
    return { ...suggestion, runDir: await keep(suggestion, { subject, range, runDir }) };
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new LockstepError('E_STOPPED', 'the search for a learning rate was stopped', { cause: error });
  }
}

function refuseBackwards(from: number, to: number): void {
  if (from < to) return;
  throw new OptionError(
    [{ option: 'from', value: from }, ' must be below ', { option: 'to', value: to }],
    [use('from', to / 100)],
  );
}

function withOtherWarnings(suggestion: Suggestion, { computing, recipe }: Subject): Suggestion {
  const { exact, name } = computing.description;
  const warnings = [
    ...suggestion.warnings,
    ...(exact ? [] : [`engine ${name} promises no bits: another test may give another curve`]),
    ...(recipe.optimizer === 'muon'
      ? ['the rate of Muon was raised by the same factors: multiply it as you do this one']
      : []),
  ];
  return { ...suggestion, warnings };
}

interface Kept {
  readonly subject: Subject;
  readonly range: RangeOptions;
  readonly runDir: string | undefined;
}

/** @returns the folder. @throws LockstepError E_IO */
async function keep(suggestion: Suggestion, { subject, range, runDir }: Kept): Promise<string> {
  const { recipe, computing } = subject;
  const { description } = computing;
  const { numericsClass, exact } = description;
  const content = {
    lockstepVersion: LOCKSTEP_VERSION,
    ...range,
    ...suggestion,
    ...{ engine: description.name, numericsClass, exact },
    recipe,
  };
  const named = path.join(DEFAULT_PARENT, `${stamp()}-lr-find-${recipe.model}-seed${recipe.seed}`);
  const isThere = runDir !== undefined && existsSync(runDir);
  const folder = isThere ? runDir : await makeNewFolder(runDir ?? named);
  await writeFileAtomically(path.join(folder, LR_FIND_FILE), `${JSON.stringify(content, null, 2)}\n`);
  return folder;
}

function stamp(): string {
  return new Date().toISOString().slice(0, 19).replace(/:/g, '-');
}
