/** Browser tabs as workers, in a real Chromium: whatever becomes of them, the weights are those of one thread. */

import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { NO_BROWSER, openBrowser, openPage } from './support/browser.js';
import type { WatchedPage } from './support/browser.js';
import {
  epochDigests,
  freePort,
  killAll,
  readMetrics,
  readResult,
  run,
  start,
  temporaryFolder,
  untilListening,
} from './support/lockstep.js';
import type { Running } from './support/lockstep.js';

/** Steps of three micro-batches, validation in three chunks, dropout and augmentation on. */
const RECIPE = [
  ...['--dataset', 'synthetic', '--model', 'resnet8', '--train-limit', '600', '--val-size', '250'],
  ...['--epochs', '2', '--batch-size', '48', '--micro-batch', '16', '--dropout', '0.2'],
  ...['--schedule', 'onecycle', '--seed', '5', '--checkpoint-every', '3'],
];
const STEPS = 26;
const TOKEN = 'a-secret+of/tabs?&=%';

if (NO_BROWSER !== undefined) console.warn(`SKIPPED: tabs are not tested: ${NO_BROWSER}`);

const folder = temporaryFolder();
const runDir = (name: string): string => path.join(folder, name);

describe.skipIf(NO_BROWSER !== undefined)('browser tabs', () => {
  let browser: Browser;
  let reference: ReturnType<typeof readResult>;
  beforeAll(async () => {
    browser = await openBrowser();
    const { exitCode } = await run(['train', ...RECIPE, '--workers', '1', '--run-dir', runDir('reference')]);
    expect(exitCode).toBe(0);
    reference = readResult(runDir('reference'));
  });
  afterEach(killAll);
  afterAll(() => browser.close());

  async function startCoordinator(
    name: string,
    minWorkers: number,
    env: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly coordinator: Running; readonly host: string }> {
    const host = `127.0.0.1:${await freePort()}`;
    const listen = ['--listen', host, '--min-workers', String(minWorkers)];
    const args = ['coordinator', ...RECIPE, '--run-dir', runDir(name), ...listen];
    const coordinator = start(args, { LOCKSTEP_TOKEN: TOKEN, ...env });
    await untilListening(coordinator);
    return { coordinator, host };
  }

  const startWorker = (host: string): Running =>
    start(['worker', `ws://${host}`, '--threads', '1', '--name', 'process'], { LOCKSTEP_TOKEN: TOKEN });

  /** Opens the page, and begins to compute with one thread. */
  async function join(host: string, name: string): Promise<WatchedPage> {
    const watched = await openPage(browser);
    const { page } = watched;
    await page.goto(`http://${host}/join#token=${encodeURIComponent(TOKEN)}`);
    await page.getByLabel('Name').fill(name);
    await page.getByLabel('Threads').fill('1');
    await page.getByRole('button', { name: 'Start' }).click();
    return watched;
  }

  function expectSameBits(name: string): void {
    expect(readResult(runDir(name))).toMatchObject({
      weightsSha256: reference.weightsSha256,
      lastWeightsSha256: reference.lastWeightsSha256,
      stepsCompleted: STEPS,
      stoppedBy: 'epochs',
      exact: true,
    });
    expect(epochDigests(runDir(name))).toEqual(epochDigests(runDir('reference')));
  }

  /** Samples of the run, by node. */
  function samplesOf(name: string): ReadonlyMap<string, number> {
    const samples = new Map<string, number>();
    for (const line of readMetrics(runDir(name))) {
      const { workers = [] } = line as { workers?: readonly { node: string; samples: number }[] };
      for (const worker of workers)
        samples.set(worker.node, (samples.get(worker.node) ?? 0) + worker.samples);
    }
    return samples;
  }

  it('two tabs and a process train together, and end in the bits of one thread', async () => {
    const { coordinator, host } = await startCoordinator('together', 3);
    const worker = startWorker(host);
    const tabs = await Promise.all([join(host, 'tab one'), join(host, 'tab two')]);
    expect((await coordinator.finished).exitCode).toBe(0);
    expect((await worker.finished).exitCode).toBe(0);
    for (const { page, complaints } of tabs) {
      await page.getByText('The run has ended').waitFor();
      expect(page.url()).toBe(`http://${host}/join`);
      expect(complaints).toEqual([]);
    }
    expectSameBits('together');
    const samples = samplesOf('together');
    for (const node of ['process', 'tab one', 'tab two']) expect(samples.get(node), node).toBeGreaterThan(0);
  });
});
