/** `lockstep show RUN`: a run's curves as text, for those on a remote terminal. */

import type { Command } from 'commander';
import { readEpochs, requireRun, summariseRun } from '../../watch/index.js';
import type { EpochPoint, RunSummary } from '../../watch/index.js';
import { curveLines } from '../display/curve.js';
import { duration, percent, rate, speed } from '../display/text.js';
import { entriesOf } from '../options/optionTable.js';
import { jsonSetting } from '../../session/index.js';
import { declareOptions } from '../options/trainingOptions.js';
import { print, printJson } from '../process/terminal.js';

const CURVES = [
  { title: 'training loss', field: 'trainLoss', label: decimal },
  { title: 'validation loss', field: 'validationLoss', label: decimal },
  { title: 'validation accuracy', field: 'validationAccuracy', label: percent },
  { title: 'learning rate', field: 'lr', label: rate },
] as const;

const ROWS = 6;
const NARROWEST = 40;
const WIDEST = 100;

export function addShowCommand(program: Command): void {
  const command = program
    .command('show')
    .description('show the curves of a run in the terminal')
    .argument('<run>', 'run folder')
    .action(async (folder: string, { json }: { readonly json: boolean }) => {
      const epochs = await readEpochs(requireRun(folder));
      if (json) epochs.forEach(printJson);
      else print([headline(await summariseRun(folder)), ...curves(epochs)].join('\n'));
    });
  declareOptions(command, entriesOf({ json: jsonSetting('print one JSON object an epoch') }));
}

function headline(run: RunSummary): string {
  const parts = [
    run.state,
    `${run.model ?? 'unknown model'} on ${run.dataset ?? 'unknown data'}`,
    `epoch ${run.epochsCompleted}/${run.epochs ?? '?'}`,
    run.bestValidationAccuracy === null
      ? undefined
      : `best validation accuracy ${percent(run.bestValidationAccuracy)} in epoch ${run.bestEpoch ?? '?'}`,
    run.testAccuracy === null ? undefined : `test accuracy ${percent(run.testAccuracy)}`,
    run.imagesPerSecond === null ? undefined : speed(run.imagesPerSecond),
    run.wallSeconds === null ? undefined : duration(run.wallSeconds),
  ];
  return `${run.folder}: ${parts.filter((part) => part !== undefined).join(', ')}`;
}

function curves(epochs: readonly EpochPoint[]): readonly string[] {
  const columns = Math.min(WIDEST, Math.max(NARROWEST, process.stdout.columns || WIDEST));
  if (epochs.length < 2) return ['no curves yet: they begin with the second epoch'];
  const last = epochs[epochs.length - 1]!;
  const drawn = CURVES.flatMap(({ title, field, label }) => {
    const points = epochs.flatMap((point) => {
      const y = point[field];
      return y === null ? [] : [{ x: point.epoch, y }];
    });
    const lines = curveLines(points, { columns, rows: ROWS }, label);
    return lines.length === 0 ? [] : ['', title, ...lines];
  });
  return [...drawn, `${' '.repeat(9)}epoch ${epochs[0]!.epoch} to ${last.epoch}`];
}

function decimal(value: number): string {
  return value.toPrecision(4);
}
