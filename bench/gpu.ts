/** `npm run bench:gpu`: counts what a micro-batch costs a GPU and, if there is a GPU, times it beside PyTorch. */

import { appendFileSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import type { Precision } from '../src/engine/engine.js';
import { SUBGROUP_MATRICES_OF_SCALARS } from '../src/engine/webgpu/kernels/matrixOperations.js';
import { run } from './childProcess.js';
import { countGpuWork } from './gpuCounts.js';
import type { GpuCounts } from './gpuCounts.js';
import { measureGpu } from './gpuTimes.js';
import type { GpuTimes } from './gpuTimes.js';
import { listOf, modelName, positive, precisionOption } from './optionValues.js';
import { inRepository } from './repository.js';
import { renderTable } from './table.js';

interface Options {
  readonly models: readonly string[];
  readonly microBatches: readonly number[];
  readonly warmUps: number;
  readonly repetitions: number;
  readonly device?: string;
  readonly tune?: string;
  readonly precision: Precision;
  readonly scalars: boolean;
  readonly count: boolean;
  readonly peer: boolean;
  readonly python: string;
  readonly json?: string;
}

const options = new Command('npm run bench:gpu --')
  .description('count the kernels and bytes of a micro-batch, and time them beside PyTorch on the same GPU')
  .option('--models <names>', 'networks', listOf(modelName), ['resnet20', 'resnet32'])
  .option('--micro-batches <sizes>', 'samples of one gradient', listOf(positive), [32, 128, 512])
  .option('--warm-ups <n>', 'gradients before the timed ones', positive, 10)
  .option('--repetitions <n>', 'gradients that are timed', positive, 30)
  .option('--device <name>', 'index or name of an adapter')
  .option('--tune <folder>', 'measure which tiles are fastest, as a run does, and store them in this folder')
  .addOption(precisionOption())
  .option('--scalars', 'with f16: hold operands in arrays of single numbers', false)
  .option('--count', 'only count', false)
  .option('--no-peer', 'do not measure PyTorch')
  .option(
    '--python <program>',
    'Python that has torch with CUDA',
    process.env['LOCKSTEP_PEER_PYTHON'] ?? 'python3',
  )
  .option('--json <file>', 'also write everything to this file, one JSON object per line')
  .parse()
  .opts<Options>();

const pairs = options.models.flatMap((model) =>
  options.microBatches.map((microBatch) => ({ model, microBatch })),
);
const counts = pairs.map(({ model, microBatch }) => countGpuWork(model, microBatch));
process.stdout.write(`${countTable(counts)}\n`);
if (options.json !== undefined) writeFileSync(options.json, '');
for (const count of counts) record({ kind: 'count', ...count });
if (!options.count) await timeAll();

/** At once, so that a later failure does not lose it. */
function record(line: object): void {
  if (options.json !== undefined) appendFileSync(options.json, `${JSON.stringify(line)}\n`);
}

async function timeAll(): Promise<void> {
  for (const { model, microBatch } of pairs) {
    const { warmUps, repetitions, device, precision, tune } = options;
    const settings = { model, microBatch, warmUps, repetitions, precision };
    const run = {
      ...settings,
      ...(device === undefined ? {} : { device }),
      ...(tune === undefined ? {} : { tuningFolder: tune }),
      ...(options.scalars ? { matrices: SUBGROUP_MATRICES_OF_SCALARS } : {}),
    };
    const times = await measureGpu(run);
    const peers: PeerTimes[] = [];
    for (const channelsLast of options.peer ? [false, true] : []) {
      const peer = await measurePeer(model, microBatch, channelsLast);
      if (peer !== undefined) peers.push(peer);
    }
    record({ kind: 'time', model, microBatch, precision, tuned: tune !== undefined, ...times, peers });
    process.stdout.write(`\n${timeText(model, microBatch, times, peers)}\n`);
  }
}

interface PeerTimes {
  readonly torch: string;
  readonly device: string;
  readonly imagesPerSecond: number;
  readonly channelsLast: boolean;
}

/** Undefined if there is no torch with CUDA. */
async function measurePeer(
  model: string,
  batch: number,
  channelsLast: boolean,
): Promise<PeerTimes | undefined> {
  const script = inRepository('bench', 'peers', 'gpu_peer.py');
  const args = ['--depth', model.replace('resnet', ''), '--batch', String(batch)];
  try {
    const { stdout } = await run(options.python, [
      script,
      ...args,
      ...(channelsLast ? ['--channels-last'] : []),
    ]);
    return { ...(JSON.parse(stdout) as Omit<PeerTimes, 'channelsLast'>), channelsLast };
  } catch {
    return undefined;
  }
}

function countTable(all: readonly GpuCounts[]): string {
  const headings = [
    '',
    'micro-batch',
    'dispatches',
    'in evaluation',
    'kernels',
    'KB up',
    'KB back',
    'KB weights',
    'MB',
  ];
  const kilobytes = (bytes: number): string => (bytes / 1000).toFixed(0);
  return renderTable(
    headings,
    all.map((each) => [
      each.model,
      each.microBatch,
      each.dispatches,
      each.evaluationDispatches,
      each.kernels,
      kilobytes(each.uploadBytes),
      kilobytes(each.readBackBytes),
      kilobytes(each.parameterBytes),
      (each.memoryBytes / 1e6).toFixed(0),
    ]),
  );
}

function timeText(model: string, microBatch: number, times: GpuTimes, peers: readonly PeerTimes[]): string {
  const { device, milliseconds, imagesPerSecond, computeMilliseconds, firstMilliseconds, kernels } = times;
  const lines = [
    `${model}, micro-batch ${microBatch}, ${options.precision}, ${device}: ${imagesPerSecond.toFixed(1)} images/s (median of ${milliseconds.values.length}; ${milliseconds.min.toFixed(2)} to ${milliseconds.max.toFixed(2)} ms)`,
    `of which on the GPU ${computeMilliseconds?.toFixed(2) ?? '?'} ms; the first took ${firstMilliseconds.toFixed(0)} ms`,
    ...peers.map(
      (peer) =>
        `PyTorch ${peer.torch}${peer.channelsLast ? ', channels last' : ''}, ${peer.device}: ${peer.imagesPerSecond.toFixed(1)} images/s`,
    ),
  ];
  if (options.peer && peers.length === 0)
    lines.push('PyTorch: not measured; no Python with torch and CUDA (--python)');
  if (kernels === undefined) return [...lines, 'this device has no timestamp queries'].join('\n');
  const rows = kernels.map(({ label, count, microseconds }) => [label, count, microseconds.toFixed(0)]);
  return [...lines, renderTable(['kernel', 'count', 'µs in all'], rows)].join('\n');
}
