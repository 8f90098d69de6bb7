/** The measurements as text. docs/simd.md explains the numbers. */

import type { MemoryResult } from './memory.js';
import type { Machine } from './machine.js';
import type { Peer } from './peer.js';
import type { ProfileRow } from './kernelProfile.js';
import type { ModelProfile } from './profile.js';
import type { Spread } from './statistics.js';
import { STRAGGLER_ITEM_MS } from './straggler.js';
import type { StragglerRow } from './straggler.js';
import { renderTable } from './table.js';
import type { Cell } from './table.js';
import type { ThroughputOptions, ThroughputRow } from './throughput.js';
import { GLOBAL_BATCH, MICRO_BATCH, WARM_UP_STEPS } from './trainRun.js';

/** Kernels below this share of a micro-batch are only in the JSON. */
const SHOWN_SHARE = 0.02;

export function machineText(machine: Machine, peer: Peer | undefined): string {
  const { processor, cores, memoryBytes, system, node, v8 } = machine;
  const commit = machine.lockstepCommit ?? 'no commit';
  const changes = machine.uncommittedChanges ? ' with uncommitted changes' : '';
  const torch = peer && `, torch ${peer.description.torch} on Python ${peer.description.python}`;
  return [
    `${processor}, ${cores} cores, ${(memoryBytes / 2 ** 30).toFixed(1)} GiB, ${system}`,
    `node ${node}, v8 ${v8}, lockstep ${machine.lockstepVersion} (${commit}${changes})${torch ?? ''}`,
  ].join('\n');
}

export function throughputText(rows: readonly ThroughputRow[], options: ThroughputOptions): string {
  const { rounds, steps } = options;
  const table = renderTable(
    [
      'model, workers',
      'lockstep',
      'by the clock',
      'contiguous',
      'channels-last',
      'ratio',
      'scaling',
      'coordination',
    ],
    rows.map((row) => [
      `${row.model}, ${row.workers}`,
      spread(row.lockstep),
      fixed(row.lockstepByTheClock.median, 0),
      row.peer && spread(row.peer.contiguous),
      row.peer && spread(row.peer['channels-last']),
      fixed(row.ratio, 2),
      fixed(row.scaling, 2),
      `${fixed(100 * row.coordinationShare.median, 1)} %`,
    ]),
  );
  return [
    `Throughput, images/s: median (min … max) of ${rounds} rounds; in each, the programs take turns`,
    `A round's value is the median of ${steps} steps of ${GLOBAL_BATCH} images, micro-batch ${MICRO_BATCH}.`,
    '',
    table,
    '',
    `lockstep       a \`lockstep train\` process, engine ${[...new Set(rows.map((row) => row.numericsClass))].join(', ')}: ` +
      `data, augmentation, gradients, reduction, update; ${WARM_UP_STEPS} steps to warm up`,
    'by the clock   samples between the time stamps of step lines, including all work between steps',
    'contiguous, channels-last: PyTorch DDP, one thread a process; gradients and update of one prepared batch',
    "ratio          lockstep divided by PyTorch's better setting, medians",
    'scaling        divided by one worker, medians',
    'coordination   sum of coordinationMs divided by sum of stepMs: the part of a step before the first micro-batch is sent',
    "               and after the last answer; the coordinator's work in between counts as computing",
  ].join('\n');
}

export function memoryText({ growth, training, ...memory }: MemoryResult, rounds: number): string {
  const { readings } = growth;
  const last = readings.at(-1)!;
  return [
    `Memory of ${memory.model}, micro-batch ${MICRO_BATCH}`,
    `peak resident set of a \`lockstep train\` process, median (min … max) of ${rounds}, MB:`,
    `  1 worker ${megabyteSpread(memory.peakBytesOneWorker)}, 2 workers ${megabyteSpread(memory.peakBytesTwoWorkers)}; ` +
      `one more worker thread: ${megabytes(memory.bytesPerWorker)}`,
    `of that, the engine's arena: ${megabytes(last.arenaBytes)}; ` +
      `after an evaluation ${megabytes(growth.arenaBytesAfterEvaluation)}`,
    '',
    `One engine in a process of its own, MB (resident after a full garbage collection):`,
    renderTable(
      ['gradients', 'resident', 'arena', 'peak so far'],
      readings.map((reading) => [
        String(reading.gradients),
        ...[reading.residentBytes, reading.arenaBytes, reading.peakBytes].map(megabytes),
      ]),
    ),
    '',
    `A training of ${training.steps} steps on ${training.workers} workers, MB resident in each tenth of the time:`,
    `  ${training.residentBytes.map(megabytes).join(' ')}; peak ${megabytes(training.peakBytes)}`,
  ].join('\n');
}

export function profileText(profile: ModelProfile): string {
  const { limits, milliseconds, kinds, kernels } = profile;
  const explained = kinds.reduce((total, row) => total + row.milliseconds, 0);
  const shown = kernels.filter((row) => row.milliseconds > SHOWN_SHARE * milliseconds.median);
  return [
    `Profile of ${profile.model}, ${profile.numericsClass}, one thread, ${profile.repetitions} micro-batches of ${MICRO_BATCH}: ` +
      `${fixed(profile.imagesPerSecond, 0)} images/s, ${fixed(milliseconds.median, 1)} ms a micro-batch ` +
      `(${fixed(milliseconds.min, 1)} … ${fixed(milliseconds.max, 1)}), arena ${megabytes(profile.arenaBytes)} MB`,
    `limits of this core: ${fixed(limits.multiplyAddGflops, 1)} GFLOP/s in a loop of multiply-adds; copies ` +
      `${fixed(limits.cacheCopyGigabytesPerSecond, 1)} GB/s in the second-level cache, ` +
      `${fixed(limits.memoryCopyGigabytesPerSecond, 1)} GB/s in memory (read + written)`,
    '',
    renderTable(
      ['kind of kernel, pass', 'ms', '%', 'calls', 'GFLOP/s', '% of limit', 'GB/s'],
      [
        ...kinds.map((row) => profileCells(row, profile)),
        ['other: TypeScript, loss, weights', ...shares(milliseconds.median - explained), '', '', '', ''],
      ],
    ),
    '',
    `by shape, kernels that take more than ${100 * SHOWN_SHARE} %:`,
    renderTable(
      ['kernel, pass', 'ms', '%', 'calls', 'GFLOP/s', '% of limit', 'GB/s'],
      shown.map((row) => profileCells(row, profile)),
    ),
  ].join('\n');

  function shares(ms: number): readonly [string, string] {
    return [fixed(ms, 2), fixed((100 * ms) / milliseconds.median, 1)];
  }
}

function profileCells(row: ProfileRow, { limits, milliseconds }: ModelProfile): Cell[] {
  return [
    `${row.name}, ${row.pass}`,
    fixed(row.milliseconds, 2),
    fixed((100 * row.milliseconds) / milliseconds.median, 1),
    row.calls,
    fixed(row.gflops, 1),
    fixed(row.gflops && (100 * row.gflops) / limits.multiplyAddGflops, 0),
    fixed(row.gigabytesPerSecond, 1),
  ];
}

export function stragglerText(rows: readonly StragglerRow[]): string {
  const table = renderTable(
    ['workers, micro-batches', 'without', 'with', 'ratio', 'used of the slow one'],
    rows.map((row) => [
      `${row.workers}, ${row.microBatches}`,
      spread(row.without),
      spread(row.withSlow),
      fixed(row.ratio, 2),
      `${fixed(100 * row.slowShare, 1)} %`,
    ]),
  );
  return [
    `Time of a step without and with one more worker, ten times slower; a micro-batch takes ${STRAGGLER_ITEM_MS} ms`,
    '(workers wait and do not compute); median (min … max) of the steps in ms',
    '',
    table,
  ].join('\n');
}

/** The engine's share of a one-worker step, if both parts were measured. */
export function engineShareText(rows: readonly ThroughputRow[], profiles: readonly ModelProfile[]): string[] {
  return profiles.flatMap(({ model, milliseconds }) => {
    const row = rows.find((candidate) => candidate.model === model && candidate.workers === 1);
    if (!row) return [];
    const engineMs = (GLOBAL_BATCH / MICRO_BATCH) * milliseconds.median;
    const share = fixed((100 * engineMs) / row.stepMs.median, 1);
    return [
      `${model}: a step of one worker takes ${fixed(row.stepMs.median, 1)} ms, ` +
        `four micro-batches of the engine alone ${fixed(engineMs, 1)} ms (${share} %)`,
    ];
  });
}

function fixed(value: number, digits: number): string;
function fixed(value: number | null, digits: number): string | null;
function fixed(value: number | null, digits: number): string | null {
  return value === null ? null : value.toFixed(digits);
}

const spread = ({ median, min, max }: Spread): string =>
  `${fixed(median, 0)} (${fixed(min, 0)} … ${fixed(max, 0)})`;

const megabytes = (byteCount: number): string => (byteCount / 1e6).toFixed(1);

const megabyteSpread = ({ median, min, max }: Spread): string =>
  `${megabytes(median)} (${megabytes(min)} … ${megabytes(max)})`;
