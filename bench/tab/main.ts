/**
 * `npm run bench:tab`: images per second of a browser tab beside a Node worker of the same number of threads, in turns: a
 * worker, a visible tab and a hidden one compute for the same coordinator, one after another, round after round. At last, how
 * long the page takes to load, and its bytes.
 *
 *     npm run bench:tab -- --rounds 5 --seconds 20 --threads 1
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { RealTabs } from '../../test/integration/support/realTabs.js';
import type { RealTab } from '../../test/integration/support/realTabs.js';
import { LockstepProcess } from '../lockstepProcess.js';
import { describeMachine } from '../machine.js';
import { median } from '../statistics.js';
import { renderTable } from '../table.js';
import { describePageLoad } from './pageLoad.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '20' },
    threads: { type: 'string', default: '1' },
    model: { type: 'string', default: 'resnet20' },
    'micro-batch': { type: 'string', default: '32' },
  },
});
const [rounds, seconds, threads] = [values.rounds, values.seconds, values.threads].map(Number) as [
  number,
  number,
  number,
];
/** So that no step is without work for a thread. */
const MICRO_BATCHES = 8;
const BATCH = MICRO_BATCHES * Number(values['micro-batch']);

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** One coordinator for all turns, which none of them ends. */
function startCoordinator(host: string, folder: string): LockstepProcess {
  return new LockstepProcess([
    ...['coordinator', '--json', '--dataset', 'synthetic', '--model', values.model, '--epochs', '100000'],
    ...[
      '--batch-size',
      String(BATCH),
      '--micro-batch',
      values['micro-batch'],
      '--val-size',
      '0',
      '--dropout',
      '0.1',
    ],
    ...['--run-dir', path.join(folder, 'run'), '--listen', host, '--wait-timeout', '600'],
  ]);
}

/** Counts steps over some seconds, from the end of a step to the end of another. */
async function measure(
  coordinator: LockstepProcess,
  fromStep: number,
): Promise<{ readonly rate: number; readonly step: number }> {
  const first = await coordinator.first('step', ({ step }) => step >= fromStep);
  const beganAtMs = performance.now();
  const last = await coordinator.first(
    'step',
    ({ step }) => step > first.step && performance.now() - beganAtMs >= 1000 * seconds,
  );
  const rate = (BATCH * (last.step - first.step)) / ((performance.now() - beganAtMs) / 1000);
  return { rate, step: last.step };
}

interface Turn {
  readonly stop: () => Promise<unknown>;
}

function startWorker(host: string): Turn {
  const worker = new LockstepProcess([
    ...['worker', `ws://${host}`, '--engine', 'simd', '--threads', String(threads)],
  ]);
  return {
    stop: () => {
      worker.stop();
      return worker.ended;
    },
  };
}

async function startTab(tabs: RealTabs, host: string, isHidden: boolean): Promise<Turn> {
  const tab = await tabs.newTab(`http://${host}/join`);
  let cover: RealTab | undefined;
  while (!(await tab.textOf('headline')).startsWith('Let this tab')) await pause();
  await tab.evaluate(`{
    document.getElementById('threads').value = ${threads};
    document.getElementById('start').click();
  }`);
  if (isHidden) cover = await tabs.newTab('about:blank');
  return {
    stop: async () => {
      await tab.evaluate(`document.getElementById('leave').click()`);
      while ((await tab.textOf('headline')) !== 'This tab has left the run') await pause();
      await tab.close();
      await cover?.close();
    },
  };
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

const folder = mkdtempSync(path.join(tmpdir(), 'lockstep-bench-'));
const host = `127.0.0.1:${await freePort()}`;
const coordinator = startCoordinator(host, folder);
await coordinator.first('listening');
const tabs = await RealTabs.open();
const found: Record<'worker' | 'tab' | 'hidden tab', number[]> = { worker: [], tab: [], 'hidden tab': [] };
const turns = {
  worker: () => startWorker(host),
  tab: () => startTab(tabs, host, false),
  'hidden tab': () => startTab(tabs, host, true),
};
let lastStep = 0;
for (let round = 0; round < rounds; round++) {
  for (const who of ['worker', 'tab', 'hidden tab'] as const) {
    const turn = await turns[who]();
    // The first steps end the last turn, load the engine and warm its code up.
    const { rate, step } = await measure(coordinator, lastStep + 6);
    lastStep = step;
    found[who].push(rate);
    process.stderr.write(`round ${round + 1} of ${rounds}: ${who} ${rate.toFixed(1)} images/s\n`);
    await turn.stop();
  }
}
const pageLoad = await describePageLoad(tabs, host);
coordinator.kill();
await tabs.close();
rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });

const rows = Object.entries(found).map(([who, rates]) => {
  const ratios = rates.map((rate, round) => rate / found.worker[round]!);
  return [
    who,
    median(rates).toFixed(1),
    `${Math.min(...rates).toFixed(1)}–${Math.max(...rates).toFixed(1)}`,
    median(ratios).toFixed(2),
    `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`,
  ];
});
const { processor, cores, node, lockstepCommit, lockstepVersion } = describeMachine();
process.stdout.write(
  `${processor}, ${cores} cores, Node ${node}, Lockstep ${lockstepCommit ?? lockstepVersion}; ${values.model}, ` +
    `micro-batch ${values['micro-batch']}, ${threads} thread(s), ${rounds} rounds of ${seconds} s each\n\n` +
    `${renderTable(['', 'images/s', 'range', 'of the worker', 'range'], rows)}\n${pageLoad}\n`,
);
