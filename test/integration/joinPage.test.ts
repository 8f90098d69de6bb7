/** Browser tabs as workers, in a real Chromium: whatever becomes of them, the weights are those of one thread. */

import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { NO_BROWSER, openBrowser, openPage } from './support/browser.js';
import type { WatchedPage } from './support/browser.js';
import { olderPages } from './support/olderPages.js';
import { RealTabs, untilTrue } from './support/realTabs.js';
import type { RealTab } from './support/realTabs.js';
import { standingStillAt, standsStill, stepIsDone } from './support/standStill.js';
import {
  epochDigests,
  freePort,
  killAll,
  readMetrics,
  readResult,
  run,
  start,
  temporaryFolder,
  until,
  untilListening,
} from './support/lockstep.js';
import type { MetricsLine, Running } from './support/lockstep.js';

/** Steps of three micro-batches, validation in three chunks, dropout and augmentation on. */
const RECIPE = [
  ...['--dataset', 'synthetic', '--model', 'resnet8', '--train-limit', '600', '--val-size', '250'],
  ...['--epochs', '2', '--batch-size', '48', '--micro-batch', '16', '--dropout', '0.2'],
  ...['--schedule', 'onecycle', '--seed', '5', '--checkpoint-every', '3'],
];
const STEPS = 26;
/** Whoever is frozen by the test, for however long, is not given up. */
const PATIENT = ['--heartbeat-timeout', '600'];
const TOKEN = 'a-secret+of/tabs?&=%';

if (NO_BROWSER !== undefined) console.warn(`SKIPPED: tabs are not tested: ${NO_BROWSER}`);

const folder = temporaryFolder();
const runDir = (name: string): string => path.join(folder, name);

describe.skipIf(NO_BROWSER !== undefined)('browser tabs', () => {
  let browser: Browser;
  let tabs: RealTabs;
  let reference: ReturnType<typeof readResult>;
  beforeAll(async () => {
    [browser, tabs] = await Promise.all([openBrowser(), RealTabs.open()]);
    const { exitCode } = await run(['train', ...RECIPE, '--workers', '1', '--run-dir', runDir('reference')]);
    expect(exitCode).toBe(0);
    reference = readResult(runDir('reference'));
  });
  afterEach(killAll);
  afterAll(async () => {
    const opened: readonly (Browser | RealTabs | undefined)[] = [browser, tabs];
    for (const each of opened) await each?.close();
  });

  /** @param stops where it stands still */
  async function startCoordinator(
    name: string,
    minWorkers: number,
    ...stops: readonly RegExp[]
  ): Promise<{ readonly coordinator: Running; readonly host: string }> {
    const host = `127.0.0.1:${await freePort()}`;
    const listen = ['--listen', host, '--min-workers', String(minWorkers), ...PATIENT];
    const args = ['coordinator', ...RECIPE, '--run-dir', runDir(name), ...listen];
    const coordinator = start(args, { LOCKSTEP_TOKEN: TOKEN, ...standingStillAt(...stops) });
    await untilListening(coordinator);
    return { coordinator, host };
  }

  const startWorker = (host: string, ...more: readonly string[]): Running =>
    start(['worker', `ws://${host}`, '--threads', '1', '--name', 'process', ...PATIENT, ...more], {
      LOCKSTEP_TOKEN: TOKEN,
    });

  /** Freezes a process from the step at which the coordinator stands still to the next such one: others do all. */
  async function withoutFor(coordinator: Running, worker: Running): Promise<void> {
    await standsStill(coordinator);
    worker.kill('SIGSTOP');
    coordinator.kill('SIGCONT');
    await standsStill(coordinator);
    worker.kill('SIGCONT');
    coordinator.kill('SIGCONT');
  }

  /** Opens the page, to compute with one thread. */
  async function openJoinPage(host: string, name: string): Promise<WatchedPage> {
    const watched = await openPage(browser);
    const { page } = watched;
    await page.goto(`http://${host}/join#token=${encodeURIComponent(TOKEN)}`);
    await page.getByLabel('Name').fill(name);
    await page.getByLabel('Threads').fill('1');
    return watched;
  }

  const begin = ({ page }: WatchedPage): Promise<void> => page.getByRole('button', { name: 'Start' }).click();

  /** Opens the page, and begins. */
  async function join(host: string, name: string): Promise<WatchedPage> {
    const watched = await openJoinPage(host, name);
    await begin(watched);
    return watched;
  }

  /** The same in a tab that can be hidden and frozen. */
  async function joinRealTab(host: string, name: string): Promise<RealTab> {
    const tab = await tabs.newTab(`http://${host}/join#token=${encodeURIComponent(TOKEN)}`);
    await untilTrue('the page is there', async () =>
      (await tab.textOf('headline')).startsWith('Let this tab'),
    );
    await tab.evaluate(`{
      document.getElementById('name').value = ${JSON.stringify(name)};
      document.getElementById('threads').value = 1;
      document.getElementById('start').click();
    }`);
    return tab;
  }

  /** Hides a tab by another. */
  async function hide(tab: RealTab): Promise<void> {
    await tabs.newTab('about:blank');
    await untilTrue(
      'it is hidden',
      async () => (await tab.evaluate<string>('document.visibilityState')) === 'hidden',
    );
  }

  const eventsOf = (name: string, event: string): readonly MetricsLine[] =>
    readMetrics(runDir(name)).filter((line) => line.event === event);

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
    const { coordinator, host } = await startCoordinator('together', 3, stepIsDone(4), stepIsDone(20));
    const worker = startWorker(host);
    const tabs = await Promise.all([join(host, 'tab one'), join(host, 'tab two')]);
    await withoutFor(coordinator, worker); // which might outrun the tabs in every step
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

  it('a tab that is closed in mid-step costs the run nothing', async () => {
    const { coordinator, host } = await startCoordinator('closed', 1, stepIsDone(2));
    const tab = await joinRealTab(host, 'victim');
    await standsStill(coordinator);
    await hide(tab);
    await tab.freeze();
    // It is the only worker and computes no more: all of a step's micro-batches are given to it, or wait for it.
    await tab.close();
    coordinator.kill('SIGCONT');
    await until('a step waits for a worker', () => eventsOf('closed', 'waiting').length >= 2);
    const worker = startWorker(host);
    expect((await coordinator.finished).exitCode).toBe(0);
    expect((await worker.finished).exitCode).toBe(0);
    expectSameBits('closed');
    expect(samplesOf('closed').get('victim')).toBeGreaterThan(0);
    expect(eventsOf('closed', 'worker-left')).toContainEqual(expect.objectContaining({ node: 'victim' }));
  });

  it('a hidden tab goes on computing', async () => {
    const { coordinator, host } = await startCoordinator('hidden', 1, stepIsDone(1));
    const tab = await joinRealTab(host, 'hidden');
    await standsStill(coordinator);
    await hide(tab);
    coordinator.kill('SIGCONT');
    expect((await coordinator.finished).exitCode).toBe(0);
    expectSameBits('hidden');
    await untilTrue('it says so', async () => (await tab.textOf('headline')) === 'The run has ended');
    await tab.close();
  });

  it('a tab that is frozen holds nobody up, and goes on when it is thawed', async () => {
    const { coordinator, host } = await startCoordinator('frozen', 2, stepIsDone(1), stepIsDone(20));
    const worker = startWorker(host);
    const tab = await joinRealTab(host, 'frozen');
    await standsStill(coordinator);
    await hide(tab);
    await tab.freeze();
    coordinator.kill('SIGCONT');
    await standsStill(coordinator); // so others did what the frozen tab had been given
    await tab.thaw();
    coordinator.kill('SIGCONT');
    expect((await coordinator.finished).exitCode).toBe(0);
    expect((await worker.finished).exitCode).toBe(0);
    expectSameBits('frozen');
    await untilTrue(
      'it hears of the end',
      async () => (await tab.textOf('headline')) === 'The run has ended',
    );
    await tab.close();
  });

  it('tabs find a coordinator again that was killed and resumed, and so does a tab started meanwhile', async () => {
    const { coordinator, host } = await startCoordinator('killed', 2, stepIsDone(8));
    const joined = [await join(host, 'tab one'), await join(host, 'tab two')];
    const late = await openJoinPage(host, 'tab three');
    await standsStill(coordinator);
    coordinator.kill('SIGKILL');
    await coordinator.finished;
    await begin(late);
    const all = [...joined, late];
    for (const { page } of all) await page.getByText('Waiting for the coordinator').waitFor();
    const resumed = start(['coordinator', '--resume', runDir('killed'), '--min-workers', '3'], {
      LOCKSTEP_TOKEN: TOKEN,
    });
    expect((await resumed.finished).exitCode).toBe(0);
    for (const { page } of all) await page.getByText('The run has ended').waitFor();
    expectSameBits('killed');
    const joins = eventsOf('killed', 'worker-joined').map(({ node }) => node);
    for (const name of ['tab one', 'tab two'])
      expect(joins.filter((node) => node === name).length, name).toBeGreaterThanOrEqual(2);
  });

  it('a tab computes in the class of the run, though it has a faster one', async () => {
    const { coordinator, host } = await startCoordinator('plain', 2, stepIsDone(4), stepIsDone(20));
    const worker = startWorker(host, '--numerics', 'simd');
    await until('the worker is there', () => eventsOf('plain', 'worker-joined').length === 1);
    const { page } = await join(host, 'tab');
    await page.getByText('simd/1').waitFor();
    await withoutFor(coordinator, worker);
    expect((await coordinator.finished).exitCode).toBe(0);
    expect((await worker.finished).exitCode).toBe(0);
    expect(readResult(runDir('plain'))).toMatchObject({ exact: true, numericsClasses: ['simd/1'] });
    expect(samplesOf('plain').get('tab')).toBeGreaterThan(0);
    const trained = await run([
      ...['train', ...RECIPE, '--workers', '1', '--numerics', 'simd', '--run-dir', runDir('plain-reference')],
    ]);
    expect(trained.exitCode).toBe(0);
    expect(readResult(runDir('plain')).weightsSha256).toBe(
      readResult(runDir('plain-reference')).weightsSha256,
    );
  });

  it('a tab that has only other classes than the run says so, and joins when it is told to', async () => {
    const { coordinator, host } = await startCoordinator('other', 1, stepIsDone(2), stepIsDone(4));
    const worker = startWorker(host, '--engine', 'wasm');
    await standsStill(coordinator);
    worker.kill('SIGSTOP'); // or it might do all the work before the tab is there
    coordinator.kill('SIGCONT');
    const { page } = await join(host, 'tab');
    await page.getByText('This browser would give other bits').waitFor();
    expect(eventsOf('other', 'worker-joined')).toHaveLength(1);
    await page.getByRole('button', { name: 'Compute all the same' }).click();
    await standsStill(coordinator);
    for (const each of [worker, coordinator]) each.kill('SIGCONT');
    await page.getByText('The run has ended').waitFor();
    const well = { exitCode: 0, signal: null, stderr: '' };
    expect(await coordinator.finished).toMatchObject(well);
    expect(await worker.finished).toMatchObject(well);
    expect(readResult(runDir('other')).exact).toBe(false);
  });

  it("shows the run's losses from its first step on, though it attached later", async () => {
    const first = await run([
      'train',
      ...RECIPE,
      '--max-steps',
      '10',
      '--workers',
      '1',
      '--run-dir',
      runDir('curve'),
    ]);
    expect(first.exitCode).toBe(0);
    const losses = eventsOf('curve', 'step').map(({ loss }) => loss!.toFixed(2));
    const host = `127.0.0.1:${await freePort()}`;
    const resume = ['--resume', runDir('curve'), '--max-steps', String(STEPS)];
    const coordinator = start(['coordinator', ...resume, '--listen', host, '--min-workers', '2'], {
      LOCKSTEP_TOKEN: TOKEN,
    });
    await untilListening(coordinator);
    const { page } = await join(host, 'late');
    // It has computed nothing: the run waits for another.
    const drawn = `loss from ${losses[0]} at step 1 to ${losses[9]} at step 10`;
    await page.getByRole('img', { name: drawn }).waitFor();
    await page.getByText('Loss of the run so far').waitFor();
    const worker = startWorker(host);
    expect((await coordinator.finished).exitCode).toBe(0);
    expect((await worker.finished).exitCode).toBe(0);
    expectSameBits('curve');
  });

  it('a page of another version loads itself anew, once, and says so if that does not help', async () => {
    const { coordinator, host } = await startCoordinator('version', 1);
    const older = await olderPages(Number(host.split(':')[1]), 3);
    onTestFinished(() => older.close());
    const address = `http://${older.host}/join#token=${encodeURIComponent(TOKEN)}&start=1`;
    const { page } = await openPage(browser);
    await page.goto(address);
    await page.getByText('This page is of another version').waitFor();
    expect(older.pagesServed()).toBe(2);

    // The third page is the last old one.
    const updated = await openPage(browser);
    await updated.page.goto(address);
    await updated.page.getByText('The run has ended').waitFor();
    expect(older.pagesServed()).toBe(4);
    expect((await coordinator.finished).exitCode).toBe(0);
    expectSameBits('version');
  });
});
