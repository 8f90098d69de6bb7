/** `lockstep simulate`: how long a step takes, and what limits it, on a cluster that one does not have yet. */

import type { Command } from 'commander';
import { commandLine } from '../../foundation/commandLine.js';
import { simulateCluster, summarise } from '../../simulate/index.js';
import type { ClusterPlan, ClusterSummary, PlaceSummary } from '../../simulate/index.js';
import { tableLines } from '../display/table.js';
import type { Column } from '../display/table.js';
import { entriesOf } from '../options/optionTable.js';
import { declareOptions } from '../options/trainingOptions.js';
import { print, printJson } from '../process/terminal.js';
import { adviceFor } from './simulateAdvice.js';
import { planOf, SIMULATE_SETTINGS } from './simulateOptions.js';
import type { SimulateSettings } from './simulateOptions.js';

export function addSimulateCommand(program: Command): void {
  const command = program
    .command('simulate')
    .description('step time and load of a simulated cluster, by the real schedule on a virtual clock')
    .addHelpText('after', examples);
  declareOptions(command, entriesOf(SIMULATE_SETTINGS));
  command.action(async () => {
    const settings = command.opts<SimulateSettings>();
    const plan = planOf({
      ...settings,
      fanOut: numberOrNull(settings.fanOut),
      batchSize: numberOrNull(settings.batchSize),
    });
    const summary = summarise(plan, await simulateCluster(plan));
    const advice = adviceFor(plan, summary);
    if (settings.json) printJson({ event: 'simulated', ...jsonOf(plan, summary), advice });
    else print([...linesOf(plan, settings, summary), '', advice].join('\n'));
  });
}

/** Commander holds a word of its own in place of null. */
function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

function linesOf(
  plan: ClusterPlan,
  { model, wire }: SimulateSettings,
  summary: ClusterSummary,
): readonly string[] {
  const { nodes, threads, batchSize, microBatch } = plan;
  const { stepMs, imagesPerSecond, efficiency, idealStepMs, limit } = summary;
  const workers = threads === 1 ? '' : ` of ${threads} workers`;
  const rows = [
    ['cluster', `${nodes} node(s)${workers}, ${shapeText(plan)}`],
    ['batch', `${batchSize} images in micro-batches of ${microBatch}, ${model}, ${wire}`],
    ['step', `${duration(stepMs.median)} (median), ${duration(stepMs.p90)} (90 % of ${summary.steps} steps)`],
    ['rate', `${grouped(imagesPerSecond)} images/s`],
    ['efficiency', `${percent(efficiency)} of computing alone, ${duration(idealStepMs)}`],
    ['computed', `${summary.computedPerItem.toFixed(2)} micro-batches for each that is needed`],
    [
      'answers',
      `${grouped(summary.answerMessages)} a step at the coordinator, of ${grouped(Math.ceil(batchSize / microBatch))} micro-batches`,
    ],
    ...(plan.failures.perNodeHour > 0 ? [['failures', `${summary.failures} node(s) died meanwhile`]] : []),
    ['limit', `${limitText(limit)}, ${percent(limit.share)} of a step`],
  ];
  return [
    ...rows.map(([name, text]) => `${name!.padEnd(12)}${text!}`),
    '',
    ...tableLines(COLUMNS, summary.places),
  ];
}

function shapeText({ relays }: ClusterPlan): string {
  return relays.length === 0 ? 'a star' : `behind ${relays.toReversed().join(' and ')} relay(s)`;
}

function limitText({ place, resource }: ClusterSummary['limit']): string {
  return place === 'cluster'
    ? resource
    : `${resource} of a ${place}`.replace('a coordinator', 'the coordinator');
}

const share = (resource: keyof PlaceSummary['shares']): Column<PlaceSummary> => ({
  title: `${resource}, busy`,
  align: 'right',
  text: ({ shares }) => percent(shares[resource]),
});

/** Means of all machines of a kind; shares of the busiest. */
const COLUMNS: readonly Column<PlaceSummary>[] = [
  { title: 'each of', text: placeText },
  { title: 'MB/step in', align: 'right', text: ({ bytesIn }) => megabytes(bytesIn) },
  { title: 'MB/step out', align: 'right', text: ({ bytesOut }) => megabytes(bytesOut) },
  { title: 'CPU ms/step', align: 'right', text: ({ processorMs }) => processorMs.toFixed(1) },
  share('network in'),
  share('network out'),
  share('processor'),
];

function placeText({ name, level, machines }: PlaceSummary): string {
  if (name === 'coordinator') return 'coordinator';
  return `${machines} ${name}s${level === undefined ? '' : `, level ${level}`}`;
}

/** Infinite rates have no place in JSON. */
function jsonOf(plan: ClusterPlan, summary: ClusterSummary): object {
  const rates = Object.entries(plan.bytesPerMs).map(([place, rate]) => [
    place,
    rate === Infinity ? null : rate,
  ]);
  return { plan: { ...plan, bytesPerMs: Object.fromEntries(rates) as unknown }, ...summary };
}

function duration(ms: number): string {
  return ms < 10_000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function percent(value: number): string {
  return `${(100 * value).toFixed(0)} %`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(2);
}

function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

const examples = (): string => `
Examples:
  ${commandLine('simulate')} --nodes 64 --bandwidth 1Gbit --latency 0.2ms --compute-ms 70
  ${commandLine('simulate')} --nodes 256 --relays 16 --coordinator-bandwidth 10Gbit --slow 2:3
  ${commandLine('simulate')} --nodes 10000 --fan-out 32 --bandwidth 10Gbit --steps 5 --json`;
