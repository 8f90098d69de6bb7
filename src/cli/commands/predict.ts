/** `lockstep predict RUN|CHECKPOINT IMAGE…|DIR|-`: what a network says of images of the user's own. */

import { addAbortSignal } from 'node:stream';
import type { Command } from 'commander';
import { LARGEST_PICTURE_BYTES } from '../../data/index.js';
import { cacheFolder } from '../../engine/index.js';
import { LockstepError } from '../../foundation/errors.js';
import type { ErrorCode } from '../../foundation/errors.js';
import { flag } from '../../foundation/options/definition.js';
import type { ValuesOf } from '../../foundation/options/definition.js';
import { leaveOut, OptionError } from '../../foundation/options/optionError.js';
import { jsonSetting, nonEmpty, predictImages, PREDICTION_SETTINGS } from '../../session/index.js';
import type { PictureSource } from '../../session/index.js';
import { CSV_TITLES, csvLine, predictionLines } from '../display/predictions.js';
import { EvaluationProgress } from '../display/evaluationProgress.js';
import { declareEngineOptions } from '../options/engineOptions.js';
import type { EngineOptions } from '../options/engineOptions.js';
import { sentenceInFlags } from '../options/inFlags.js';
import { entriesOf } from '../options/optionTable.js';
import { declareOptions } from '../options/trainingOptions.js';
import { listenForStop } from '../process/stopSignal.js';
import { print, printError, printJson } from '../process/terminal.js';

const OPTIONS = {
  ...PREDICTION_SETTINGS,
  json: jsonSetting('print one JSON object'),
  csv: flag({
    group: 'Run',
    default: false,
    help: 'print CSV: a line for each image as soon as it is known, with five classes and their probabilities',
  }),
};

type RawOptions = EngineOptions & ValuesOf<typeof OPTIONS>;

/** Stands for standard input. */
const STANDARD_INPUT = '-';

/** Of a picture that cannot be used; the others are answered all the same. */
const UNUSABLE: ErrorCode = 'E_DATA_CORRUPT';

export function addPredictCommand(program: Command): void {
  const command = program
    .command('predict')
    .description('say what images show: the five most probable classes of each')
    .argument(
      '<checkpoint>',
      'a .safetensors file of a run, or the run folder (then: its best weights, else its last)',
      nonEmpty('CHECKPOINT', 'runs/first'),
    )
    .argument(
      '<image...>',
      'PNG, JPEG or WebP files, or folders of them; - reads one image from standard input',
    );
  declareOptions(command, entriesOf(OPTIONS));
  declareEngineOptions(command);
  command.action((checkpoint: string, images: readonly string[]) => {
    const isWorkersGiven = command.getOptionValueSource('workers') === 'cli';
    return predictInTerminal(checkpoint, images, { ...command.opts<RawOptions>(), isWorkersGiven });
  });
}

async function predictInTerminal(
  checkpoint: string,
  given: readonly string[],
  options: RawOptions & { readonly isWorkersGiven: boolean },
): Promise<void> {
  const { json, csv } = options;
  if (json && csv) {
    throw new OptionError(
      [
        { option: 'json', value: true },
        ' and ',
        { option: 'csv', value: true },
        ' each decide the form of the whole output, and it can have one form only',
      ],
      [leaveOut('json'), leaveOut('csv')],
    );
  }
  const stop = listenForStop(() => undefined);
  const { stderr } = process; // the results may go to a file
  const progress = stderr.isTTY ? new EvaluationProgress(stderr, 'predicting') : undefined;
  let isTitled = false;
  try {
    const outcome = await predictImages({
      ...options,
      checkpoint,
      images: await withStandardInput(given, stop.signal),
      cacheFolder: cacheFolder(),
      signal: stop.signal,
      onNotice: (message) => {
        progress?.clear();
        printError(`lockstep: ${sentenceInFlags(message)}`);
      },
      onPredictions: (predictions) => {
        if (!csv) return;
        progress?.clear();
        if (!isTitled) print(CSV_TITLES);
        isTitled = true;
        for (const prediction of predictions) print(csvLine(prediction));
      },
      onProgress: (done, total) => progress?.show(done, total),
    });
    progress?.clear();
    if (json) printJson(outcome);
    else if (!csv) predictionLines(outcome).forEach(print);
    const bad = outcome.images.flatMap((image) => ('problem' in image ? [image] : []));
    for (const { image, problem } of bad) printError(`lockstep: ${image} ${problem} [${UNUSABLE}]`);
    if (bad.length > 0) process.exitCode = 1;
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code !== 'E_STOPPED') throw error;
    progress?.clear();
    printError(`lockstep: ${error.message}`);
    process.exitCode = stop.exitCode() ?? 1;
  } finally {
    progress?.clear();
    stop.dispose();
  }
}

/** @throws LockstepError E_STOPPED if the signal comes before the end of standard input */
async function withStandardInput(
  given: readonly string[],
  signal: AbortSignal,
): Promise<readonly PictureSource[]> {
  if (!given.includes(STANDARD_INPUT)) return given;
  const parts: Buffer[] = [];
  let byteCount = 0;
  try {
    // What follows is not read: the decoder says that the picture is too large.
    for await (const part of addAbortSignal(signal, process.stdin)) {
      parts.push(part as Buffer);
      byteCount += (part as Buffer).length;
      if (byteCount > LARGEST_PICTURE_BYTES) break;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new LockstepError('E_STOPPED', 'the prediction was interrupted while it read standard input', {
      cause: error,
    });
  }
  const bytes = Buffer.concat(parts);
  return given.map((name) => (name === STANDARD_INPUT ? { name, bytes } : name));
}
