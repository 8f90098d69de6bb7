/**
 * What viewers of the live page cost training: one run of one worker thread, with 50 viewers and a stalled one in every
 * second block of steps, and without in the others; then the same run without any, whose weights must be the same.
 *
 *     npm run bench:viewers -- [BLOCKS] [STEPS]        # pairs of blocks, and steps of a block; 10 and 60
 */

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EventDispatcher } from '../../src/watch/index.js';
import { LockstepProcess } from '../lockstepProcess.js';
import { median } from '../statistics.js';
import { ViewerCrowd } from './crowd.js';

const VIEWERS = 50;
const STALLED = 1;
/** Steps in which nothing is compared. */
const WARM_UP_STEPS = 20;

const [pairs, steps] = [process.argv[2] ?? '10', process.argv[3] ?? '60'].map(Number) as [number, number];
const maxSteps = WARM_UP_STEPS + 2 * pairs * steps;

function start(more: readonly string[]): LockstepProcess {
  const runDir = path.join(mkdtempSync(path.join(tmpdir(), 'lockstep-viewers-')), 'run');
  const recipe = [
    '--dataset',
    'synthetic',
    '--model',
    'resnet8',
    '--train-limit',
    '2048',
    '--val-size',
    '256',
  ];
  const length = [
    '--epochs',
    '1000',
    '--max-steps',
    String(maxSteps),
    '--schedule',
    'constant',
    '--patience',
    '0',
  ];
  return new LockstepProcess([
    ...['train', '--json', '--engine', 'simd', '--workers', '1', '--run-dir', runDir],
    ...[...recipe, ...length, ...more],
  ]);
}

/** Times of the steps of one block, in milliseconds; the first of them belong to the change. */
async function blockOf(run: LockstepProcess, first: number): Promise<number[]> {
  const times: number[] = [];
  for (let step = first; step < first + steps; step++) {
    const { stepMs } = await run.first('step', (event) => event.step === step);
    if (step >= first + 3) times.push(stepMs);
  }
  return times;
}

async function measureViewers(): Promise<string> {
  const run = start(['--ui', '127.0.0.1:0']);
  const { url } = await run.first('page');
  await run.first('step', ({ step }) => step === WARM_UP_STEPS);
  const ratios: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const first = WARM_UP_STEPS + 1 + 2 * pair * steps;
    const without = median(await blockOf(run, first));
    const crowd = await ViewerCrowd.open(url, VIEWERS, STALLED);
    const watched = median(await blockOf(run, first + steps));
    crowd.close();
    ratios.push(watched / without);
    process.stdout.write(
      `pair ${pair + 1}: ${without.toFixed(2)} ms a step, ${watched.toFixed(2)} ms with viewers ` +
        `(${crowd.pictures} pictures, ${(crowd.bytesReceived / 1e6).toFixed(1)} MB): ${percent(watched / without)}\n`,
    );
  }
  process.stdout.write(
    `median of ${pairs} pairs: ${percent(median(ratios))}; from ${percent(Math.min(...ratios))} to ${percent(Math.max(...ratios))}\n`,
  );
  return (await run.first('run-finished')).weightsSha256;
}

/** What it costs to publish an event to listeners of every kind. */
async function measureDispatcher(): Promise<void> {
  const dispatcher = new EventDispatcher({ onDropped: (message) => process.stdout.write(`${message}\n`) });
  dispatcher.subscribe({ name: 'a listener that throws', on: () => raise() });
  dispatcher.subscribe({ name: 'a listener that hangs', on: () => new Promise(() => undefined) });
  dispatcher.subscribe({ name: 'a good listener', on: () => undefined });
  const times: number[] = [];
  for (let index = 0; index < 10_000; index++) {
    const startedMs = performance.now();
    dispatcher.publish({ event: 'notice', message: 'x' }, 0);
    times.push(performance.now() - startedMs);
    if (index % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  process.stdout.write(`publishing an event takes ${(median(times) * 1000).toFixed(1)} µs (median)\n`);
}

function raise(): never {
  throw new Error('its own mistake');
}

const percent = (ratio: number): string => `${ratio >= 1 ? '+' : ''}${((ratio - 1) * 100).toFixed(2)} %`;

await measureDispatcher();
const watched = await measureViewers();
const alone = (await start([]).first('run-finished')).weightsSha256;
process.stdout.write(`weights ${watched === alone ? 'equal' : 'NOT EQUAL'}: ${watched} ${alone}\n`);
process.exitCode = watched === alone ? 0 : 1;
