/** Keeps what the test at the end of a run has found, as `evaluate` does, so that pages and reports show it. */

import type { Recipe, TestedRun } from '../../coordinator/index.js';
import { describeError } from '../../foundation/errors.js';
import type { Model } from '../../model/index.js';
import { findingsOf, withPictures } from './assemble.js';
import { keepIn } from './save.js';

interface Tested {
  readonly runDir: string;
  readonly recipe: Recipe;
  readonly model: Model;
  readonly onNotice: (message: string) => void;
}

/** The run has its result by now: what goes wrong here is told, and does no harm. */
export async function keepTested(
  { set, score, logits, engines, numericsClasses, ...weights }: TestedRun,
  { runDir, recipe, model: { classNames }, onNotice }: Tested,
): Promise<void> {
  try {
    const { dataset, model, evalStatistics, tta } = recipe;
    const subject = {
      ...weights,
      ...{ dataset, model, evalStatistics, tta },
      engine: engines.join('+'),
      numericsClass: numericsClasses.join('+'),
    };
    const findings = findingsOf(subject, { set, classNames, score, logits });
    await keepIn(runDir, withPictures(findings, set), onNotice);
  } catch (error) {
    onNotice(`what the test has found is not saved: ${describeError(error)}`);
  }
}
