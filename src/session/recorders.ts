/** What records a run beside its metrics.jsonl. Recording never stops training, and training never waits for it. */

import path from 'node:path';
import type { Recipe, RunFolder } from '../coordinator/index.js';
import { describeError } from '../foundation/errors.js';
import { valueText } from '../foundation/options/kind.js';
import type { OptionValue } from '../foundation/options/kind.js';
import { TensorBoardRecorder } from '../watch/index.js';
import type { Recorded } from './recorded.js';
import { startTrackers } from './trackers.js';

/** To be called before the session writes its first step to the folder. */
export async function startRecorders(folder: RunFolder, recorded: Recorded): Promise<void> {
  if (recorded.settings.tensorboard) await recordForTensorBoard(folder, recorded);
  startTrackers(folder, recorded);
}

async function recordForTensorBoard(
  run: RunFolder,
  { recipe, context: { log }, closers }: Recorded,
): Promise<void> {
  const onProblem = (message: string): void =>
    log.notice(`TensorBoard's event file cannot be written: ${message}. Training goes on; it is tried again`);
  try {
    const recorder = await TensorBoardRecorder.open({
      folder: run.folder,
      runName: path.basename(path.resolve(run.folder)),
      hparams: hparamsOf(recipe),
      checkHeld: () => run.checkHeld(),
      onProblem,
    });
    log.subscribe(recorder);
    closers.push(() => recorder.finish());
  } catch (error) {
    log.notice(
      `there are no TensorBoard event files of this session: ${describeError(error)}. Training goes on; a resumed run writes what they lack`,
    );
  }
}

/** The recipe as TensorBoard knows it: numbers, texts and switches. */
function hparamsOf(recipe: Recipe): Readonly<Record<string, number | string | boolean>> {
  const entries = Object.entries(recipe as Readonly<Record<string, OptionValue>>);
  return Object.fromEntries(entries.map(([key, value]) => [key, hparamOf(value)]));
}

function hparamOf(value: OptionValue): number | string | boolean {
  return typeof value === 'number' || typeof value === 'boolean' ? value : valueText(value);
}
