/** Measures every candidate tile of a network's kernels on a GPU, and checks that each gives the usual one's gradient. */

import { appendFileSync } from 'node:fs';
import { Command } from 'commander';
import { locateDawn, openAdapter } from '../../src/engine/webgpu/dawn/dawn.js';
import { Session } from '../../src/engine/webgpu/dawn/session.js';
import { allCandidates, measureTiles, RoundTiles } from '../../src/engine/webgpu/tuning/measureTiles.js';
import type { Round, TileCandidates, TileTime } from '../../src/engine/webgpu/tuning/measureTiles.js';
import { buildModel, initialiseModel } from '../../src/model/index.js';
import type { ModelName } from '../../src/model/index.js';
import { listOf, modelName, positive } from './optionValues.js';
import { syntheticBatch } from './syntheticBatch.js';

interface Options {
  readonly models: readonly ModelName[];
  readonly microBatches: readonly number[];
  readonly seconds: number;
  readonly json?: string;
}

const options = new Command('gpuTiles')
  .option('--models <names>', 'networks', listOf(modelName), ['resnet20'] as ModelName[])
  .option('--micro-batches <sizes>', 'samples of one gradient', listOf(positive), [128])
  .option('--seconds <n>', 'time for each network and micro-batch', positive, 30)
  .option('--json <file>', 'file to append every time to, a JSON object a line')
  .parse()
  .opts<Options>();

for (const model of options.models) {
  for (const microBatch of options.microBatches) await sweep(model, microBatch);
}

async function sweep(name: ModelName, microBatch: number): Promise<void> {
  const adapter = await openAdapter(locateDawn()!, { backend: '', name: '' });
  if (adapter === null) throw new Error('there is no adapter');
  const session = await Session.open(adapter);
  try {
    const model = buildModel(name);
    const tiles = new RoundTiles(shuffled(allCandidates(session)));
    const [state, batch] = [initialiseModel(model, 1), syntheticBatch(model, microBatch)];
    const rounds: Round[] = [];
    const startedMs = performance.now();
    let worst = 0;
    const measurement = { session, model, state, batch, tiles, budgetMs: options.seconds * 1000 };
    for await (const round of measureTiles(measurement)) {
      worst = Math.max(worst, distance(round.gradient, rounds[0]?.gradient ?? round.gradient));
      rounds.push(rounds.length === 0 ? round : { ...round, gradient: new Float32Array() });
      if (options.json !== undefined) {
        const lines = round.times.map((time) => `${JSON.stringify({ model: name, microBatch, ...time })}\n`);
        appendFileSync(options.json, lines.join(''));
      }
    }
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    console.log(
      `${name} ${microBatch}: ${rounds.length} of ${tiles.rounds} rounds in ${seconds} s; the first took ${rounds[0]!.totalMicroseconds.toFixed(0)} µs on the GPU; gradients differ by ${worst.toExponential(1)} at most`,
    );
    for (const [key, times] of byKey(rounds)) printBest(key, times);
  } finally {
    session.dispose();
  }
}

/** The usual tile first, the others in an order that spreads over all kinds, for there may be no time for all. */
function shuffled({ convolution, weightGradient }: TileCandidates): TileCandidates {
  const shuffle = <Tile>([usual, ...others]: readonly Tile[]): Tile[] => [
    usual!,
    ...others
      .map((tile, index) => ({ tile, place: (index * 0.618034) % 1 }))
      .sort((left, right) => left.place - right.place)
      .map(({ tile }) => tile),
  ];
  return {
    convolution: (size) => shuffle(convolution(size)),
    weightGradient: (size) => shuffle(weightGradient(size)),
  };
}

function byKey(rounds: readonly Round[]): Map<string, TileTime[]> {
  const times = new Map<string, TileTime[]>();
  for (const time of rounds.flatMap((round) => round.times)) {
    times.set(time.key, [...(times.get(time.key) ?? []), time]);
  }
  return times;
}

function printBest(key: string, times: readonly TileTime[]): void {
  const usual = times[0]!;
  const [best] = times.toSorted((left, right) => left.microseconds - right.microseconds);
  console.log(
    `  ${key}: usual ${usual.microseconds.toFixed(0)} µs (${usual.tile}); best of ${times.length} ${best!.microseconds.toFixed(0)} µs (${best!.tile})`,
  );
}

/** Of the whole vectors, as a share of the larger's length. */
function distance(actual: Float32Array, expected: Float32Array): number {
  let [squares, difference] = [0, 0];
  expected.forEach((value, index) => {
    squares += value * value;
    difference += (value - actual[index]!) ** 2;
  });
  return Math.sqrt(difference / squares);
}
