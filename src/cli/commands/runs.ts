/** `lockstep runs [DIR]`: a table of the runs below a folder. */

import type { Command } from 'commander';
import { findRuns, summariseRun, stateText } from '../../watch/index.js';
import type { RunSummary } from '../../watch/index.js';
import { tableLines } from '../display/table.js';
import type { Column } from '../display/table.js';
import { duration, percent } from '../display/text.js';
import { oneOf } from '../../foundation/options/definition.js';
import type { ValuesOf } from '../../foundation/options/definition.js';
import { entriesOf } from '../options/optionTable.js';
import { jsonSetting } from '../../session/index.js';
import { declareOptions } from '../options/trainingOptions.js';
import { print, printJson } from '../process/terminal.js';

const SORT_KEYS = ['name', 'updated', 'accuracy', 'speed'] as const;
type SortKey = (typeof SORT_KEYS)[number];

const RUNS_SETTINGS = {
  sort: oneOf({
    group: 'Run',
    placeholder: 'key',
    of: SORT_KEYS,
    default: 'updated',
    help: `order of the rows, the latest, best or fastest last: ${SORT_KEYS.join(', ')}`,
  }),
  json: jsonSetting('print one JSON object a run'),
};

type RawOptions = ValuesOf<typeof RUNS_SETTINGS>;

export function addRunsCommand(program: Command): void {
  const command = program
    .command('runs')
    .description('list the runs below a folder: state, progress, best accuracy')
    .argument('[dir]', 'folder that holds run folders', 'runs')
    .action((folder: string, options: RawOptions) => listRuns(folder, options));
  declareOptions(command, entriesOf(RUNS_SETTINGS));
}

async function listRuns(folder: string, { sort, json }: RawOptions): Promise<void> {
  const summaries = await Promise.all(findRuns(folder).map(summariseRun));
  const runs = summaries.sort(ORDER[sort]);
  if (json) runs.forEach(printJson);
  else if (runs.length === 0) print(`no runs below ${folder}`);
  else tableLines(COLUMNS, runs).forEach(print);
}

/** The latest, best or fastest last, where a terminal shows the end. */
const ORDER: Readonly<Record<SortKey, (a: RunSummary, b: RunSummary) => number>> = {
  name: (a, b) => (a.folder < b.folder ? -1 : 1),
  updated: (a, b) => ((a.updatedAt ?? '') < (b.updatedAt ?? '') ? -1 : 1),
  accuracy: (a, b) => (a.bestValidationAccuracy ?? -1) - (b.bestValidationAccuracy ?? -1),
  speed: (a, b) => (a.imagesPerSecond ?? -1) - (b.imagesPerSecond ?? -1),
};

const DASH = '-';

const COLUMNS: readonly Column<RunSummary>[] = [
  { title: 'run', text: ({ folder }) => folder },
  { title: 'state', text: ({ state, stoppedBy }) => stateText(state, stoppedBy) },
  { title: 'model', text: ({ model }) => model ?? DASH },
  { title: 'data', text: ({ dataset }) => dataset ?? DASH },
  { title: 'epoch', align: 'right', text: epochText },
  { title: 'best val', align: 'right', text: ({ bestValidationAccuracy }) => share(bestValidationAccuracy) },
  { title: 'test', align: 'right', text: ({ testAccuracy }) => share(testAccuracy) },
  {
    title: 'images/s',
    align: 'right',
    text: ({ imagesPerSecond }) => imagesPerSecond?.toFixed(0) ?? DASH,
  },
  {
    title: 'time',
    align: 'right',
    text: ({ wallSeconds }) => (wallSeconds === null ? DASH : duration(wallSeconds)),
  },
  { title: 'exact', text: ({ exact }) => (exact === null ? DASH : exact ? 'yes' : 'no') },
];

function epochText({ epochsCompleted, epochs }: RunSummary): string {
  return `${epochsCompleted}/${epochs ?? '?'}`;
}

function share(value: number | null): string {
  return value === null ? DASH : percent(value);
}
