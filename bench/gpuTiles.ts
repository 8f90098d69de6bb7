/**
 * Measures the promising tiles of a network's kernels on a GPU, as a first run does, and prints which it would choose.
 * `--most` measures more of them.
 */

import { appendFileSync } from 'node:fs';
import { Command } from 'commander';
import { locateDawn, openAdapter } from '../src/engine/webgpu/dawn/dawn.js';
import { Session } from '../src/engine/webgpu/dawn/session.js';
import type { TileChoice } from '../src/engine/webgpu/tuning/chooseTiles.js';
import type { Round } from '../src/engine/webgpu/tuning/measureTiles.js';
import { tuneTiles } from '../src/engine/webgpu/tuning/tuneTiles.js';
import { buildModel } from '../src/model/index.js';
import { listOf, modelName, positive } from './optionValues.js';

interface Options {
  readonly models: readonly string[];
  readonly microBatches: readonly number[];
  readonly seconds: number;
  readonly most: number;
  readonly json?: string;
}

const options = new Command('gpuTiles')
  .option('--models <names>', 'networks', listOf(modelName), ['resnet20'])
  .option('--micro-batches <sizes>', 'samples of one gradient', listOf(positive), [128])
  .option('--seconds <n>', 'time for each network and micro-batch', positive, 20)
  .option('--most <n>', 'tiles of a size', positive, 8)
  .option('--json <file>', 'file to append every measurement to, one JSON object per line')
  .parse()
  .opts<Options>();

for (const model of options.models) {
  for (const microBatch of options.microBatches) await sweep(model, microBatch);
}

async function sweep(name: string, microBatch: number): Promise<void> {
  const adapter = await openAdapter(locateDawn()!, { backend: '', name: '' });
  if (adapter === null) throw new Error('there is no adapter');
  const session = await Session.open(adapter);
  try {
    const startedMs = performance.now();
    const seconds = (): string => ((performance.now() - startedMs) / 1000).toFixed(1);
    const rounds: Round[] = [];
    const choices = await tuneTiles({
      session,
      model: buildModel(name),
      imageCount: microBatch,
      known: new Map(),
      budgetMs: options.seconds * 1000,
      most: options.most,
      onRound: (round, stage) => {
        rounds.push(round);
        console.log(
          `${name} ${microBatch}: ${stage} ${round.round} at ${seconds()} s: ${round.totalMicroseconds.toFixed(0)} µs, ${round.isSteady ? 'steady' : 'not steady'}, gradient differs by ${round.distance.toExponential(1)}`,
        );
        record({ model: name, microBatch, stage }, round);
      },
    });
    console.log(`${name} ${microBatch}: chosen in ${seconds()} s`);
    for (const [key, choice] of choices) console.log(`  ${key}: ${choiceText(choice)}`);
  } finally {
    session.dispose();
  }
}

function record(heading: object, { round, isSteady, isRight, tiles, microseconds }: Round): void {
  if (options.json === undefined) return;
  const lines = [...microseconds].map(([key, time]) =>
    JSON.stringify({
      ...heading,
      round,
      isSteady,
      isRight,
      key: key || 'kernels without a choice',
      tile: tiles.get(key),
      microseconds: Math.round(time * 10) / 10,
    }),
  );
  appendFileSync(options.json, lines.map((line) => `${line}\n`).join(''));
}

function choiceText({ usual, tile, usualMicroseconds, microseconds, measured }: TileChoice): string {
  const before = `${usualMicroseconds.toFixed(0)} µs (${usual})`;
  if (tile === usual) return `usual ${before}, of ${measured}`;
  const share = (microseconds / usualMicroseconds).toFixed(2);
  return `CHOSEN ${microseconds.toFixed(0)} µs (${tile}), ${share} of usual ${before}, of ${measured}`;
}
