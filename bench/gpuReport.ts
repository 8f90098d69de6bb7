/** Turns the results of `bench/gpu-visit.sh` into tables in Markdown: `node …/gpuReport.js FOLDER`. */

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

const timeLine = z.object({
  kind: z.literal('time'),
  model: z.string(),
  microBatch: z.number(),
  precision: z.string().default('f32'),
  imagesPerSecond: z.number(),
  milliseconds: z.object({ median: z.number() }),
  computeMilliseconds: z.number().optional(),
  kernels: z.array(z.object({ label: z.string(), count: z.number(), microseconds: z.number() })).optional(),
});
type TimeLine = z.infer<typeof timeLine>;

const peerLine = z.object({
  network: z.string(),
  batch: z.number(),
  mode: z.string(),
  tf32: z.enum(['off', 'on']),
  amp: z.string().default('off'),
  imagesPerSecond: z.number(),
});
type PeerLine = z.infer<typeof peerLine>;

const rateLine = z.object({
  part: z.enum(['train', 'mixed', 'cpu']),
  imagesPerSecond: z.number(),
});

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error('usage: node dist/bench/bench/gpuReport.js FOLDER');
  process.exit(2);
}
const read = (name: string): unknown[] => {
  const file = path.join(folder, name);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as unknown);
};
const parsed = <Line>(lines: readonly unknown[], schema: z.ZodType<Line>): Line[] =>
  lines.map((line) => schema.safeParse(line)).flatMap(({ data }) => (data === undefined ? [] : [data]));

const results = read('results.jsonl');
/** The names in the visit's results, and in records. */
const TIME_FILES = ['engine.json', 'engine.jsonl', 'engine-f16.json', 'engine-f16.jsonl'];
const times = parsed(TIME_FILES.flatMap(read), timeLine);
/** PyTorch's own half precision has a column of its own, and is part of no ratio. */
const allPeers = parsed([...results, ...read('peer.jsonl')], peerLine);
const peers = allPeers.filter(({ amp }) => amp === 'off');

function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(headings), line(headings.map(() => '---')), ...rows.map(line)].join('\n');
}

const rounded = (value: number | undefined): string => value?.toFixed(0) ?? '';
const ratio = (ours: number | undefined, theirs: number): string =>
  ours === undefined || !Number.isFinite(theirs) ? '' : (ours / theirs).toFixed(2);

const columnOf = ({ mode, tf32, amp }: PeerLine): string =>
  `${mode}, ${amp === 'off' ? `TF32 ${tf32}` : amp}`;

/** Images/s by network and micro-batch: our float32 beside PyTorch's without TF32, and best beside best. */
function comparison(): string {
  const modes = [...new Set(allPeers.map(columnOf))];
  const pairs = new Map(
    [...times.map(({ model, microBatch }) => [model.replace('resnet', ''), microBatch] as const)].map(
      (pair) => [pair.join(), pair],
    ),
  );
  const headings = [
    ...['ResNet-', 'micro-batch', 'Lockstep', 'on the GPU alone', 'f16'],
    ...modes,
    ...['ratio to eager', 'ratio to the best without TF32', 'best to best'],
  ];
  const rows = [...pairs.values()].map(([network, batch]) => {
    const ours = (precision: string): TimeLine | undefined =>
      times.find(
        (time) =>
          time.model === `resnet${network}` && time.microBatch === batch && time.precision === precision,
      );
    const bestOf = (lines: readonly PeerLine[], wanted: (peer: PeerLine) => boolean): number =>
      Math.max(
        ...lines
          .filter((peer) => peer.network === network && peer.batch === batch && wanted(peer))
          .map(({ imagesPerSecond }) => imagesPerSecond),
      );
    const theirs = (wanted: (peer: PeerLine) => boolean): number => bestOf(peers, wanted);
    const [full, half] = [ours('f32'), ours('f16')];
    const compute = full?.computeMilliseconds;
    const eager = theirs(
      ({ mode, tf32 }) => tf32 === 'off' && (mode === 'eager' || mode === 'channels-last'),
    );
    const best = Math.max(full?.imagesPerSecond ?? 0, half?.imagesPerSecond ?? 0);
    return [
      ...[network, String(batch), rounded(full?.imagesPerSecond)],
      ...[
        rounded(compute === undefined ? undefined : (batch / compute) * 1000),
        rounded(half?.imagesPerSecond),
      ],
      ...modes.map((name) => {
        const value = bestOf(allPeers, (peer) => columnOf(peer) === name);
        return Number.isFinite(value) ? rounded(value) : '';
      }),
      ratio(full?.imagesPerSecond, eager),
      ratio(
        full?.imagesPerSecond,
        theirs(({ tf32 }) => tf32 === 'off'),
      ),
      ratio(
        best,
        theirs(() => true),
      ),
    ];
  });
  return table(headings, rows);
}

/** The GPU's time by kind of kernel. Each runs alone for this, which adds some microseconds. */
function kinds(): string {
  const kindOf = (label: string): string => label.replace(/ [\dx]+( [\dx]+)?$/, '');
  const all = [...new Set(times.flatMap(({ kernels = [] }) => kernels.map(({ label }) => kindOf(label))))];
  const rows = all.map((kind) => [
    kind,
    ...times.map(({ kernels = [] }) => {
      const those = kernels.filter(({ label }) => kindOf(label) === kind);
      return rounded(those.reduce((total, { microseconds }) => total + microseconds, 0));
    }),
  ]);
  const heading = ({ model, microBatch, precision }: TimeLine): string =>
    `${model}, ${microBatch}${precision === 'f32' ? '' : `, ${precision}`}`;
  return table(['µs of kernels', ...times.map(heading)], rows);
}

/** Whole runs, as reported. */
function rates(): string {
  const shown = new Set(
    'part engine model network workers processes threads mode layout batch batchSize microBatch'.split(' '),
  );
  return results
    .filter((line) => rateLine.safeParse(line).success)
    .map((line) => {
      const fields = Object.entries(line as Record<string, unknown>);
      const what = fields
        .filter(([name]) => shown.has(name))
        .map(([name, value]) => `${name} ${String(value)}`);
      return `- ${what.join(', ')}: ${rateLine.parse(line).imagesPerSecond.toFixed(0)} images/s`;
    })
    .join('\n');
}

console.log([comparison(), kinds(), rates()].join('\n\n'));
