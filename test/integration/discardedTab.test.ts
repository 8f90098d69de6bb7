/** Tabs that the browser discards to save memory: they go on as they were, if they computed. In a real Chromium. */

import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { NO_BROWSER, openBrowser, openPage } from './support/browser.js';
import { Discards } from './support/discards.js';
import {
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
import { RealTabs } from './support/realTabs.js';
import { standingStillAt, standsStill, stepIsDone } from './support/standStill.js';

const RECIPE = [
  ...['--dataset', 'synthetic', '--model', 'resnet8', '--train-limit', '640', '--val-size', '64'],
  ...['--epochs', '1', '--batch-size', '32', '--micro-batch', '16', '--seed', '9'],
];
const TOKEN = 'a-secret';

if (NO_BROWSER !== undefined) console.warn(`SKIPPED: discarded tabs are not tested: ${NO_BROWSER}`);

const folder = temporaryFolder();
const runDir = (name: string): string => path.join(folder, name);

describe.skipIf(NO_BROWSER !== undefined)('a tab that was discarded', () => {
  let digest: string;
  let tabs: RealTabs;
  beforeAll(async () => {
    tabs = await RealTabs.open();
    const { exitCode } = await run(['train', ...RECIPE, '--workers', '1', '--run-dir', runDir('reference')]);
    expect(exitCode).toBe(0);
    digest = readResult(runDir('reference')).weightsSha256;
  });
  afterEach(killAll);
  afterAll(() => tabs.close());

  async function coordinate(
    name: string,
    more: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly coordinator: Running; readonly host: string }> {
    const host = `127.0.0.1:${await freePort()}`;
    const args = ['coordinator', ...RECIPE, '--run-dir', runDir(name), '--listen', host, ...more];
    const coordinator = start(args, { LOCKSTEP_TOKEN: TOKEN, ...env });
    await untilListening(coordinator);
    return { coordinator, host };
  }

  const eventsOf = (name: string, event: string): readonly MetricsLine[] =>
    readMetrics(runDir(name)).filter((line) => line.event === event);

  async function expectSameBits(name: string, coordinator: Running): Promise<void> {
    expect((await coordinator.finished).exitCode).toBe(0);
    expect(readResult(runDir(name))).toMatchObject({ weightsSha256: digest, exact: true });
  }

  it('goes on by itself when somebody looks at it again', async () => {
    const { coordinator, host } = await coordinate('thrown-away', [], standingStillAt(stepIsDone(3)));
    const discards = await Discards.open(tabs);
    await tabs.newUnwatchedTab(`http://${host}/join#token=${TOKEN}&start=1`);
    await tabs.newTab('about:blank');
    await standsStill(coordinator);
    await discards.discard(`${host}/join`);
    coordinator.kill('SIGCONT');
    await until('it has left', () => eventsOf('thrown-away', 'worker-left').length === 1);
    await discards.load(`${host}/join`);
    await expectSameBits('thrown-away', coordinator);
    expect(eventsOf('thrown-away', 'worker-joined')).toHaveLength(2);
  });

  it('has its name and threads again, and waits for a click if it had left', async () => {
    const { coordinator, host } = await coordinate('settings', ['--min-workers', '2']);
    const browser = await openBrowser();
    onTestFinished(() => browser.close());
    const { page } = await openPage(browser);
    await page.goto(`http://${host}/join#token=${TOKEN}`);
    await page.getByLabel('Name').fill('forgotten');
    await page.getByLabel('Threads').fill('1');
    await page.getByRole('button', { name: 'Start' }).click();
    await until('it is attached', () => eventsOf('settings', 'worker-joined').length === 1);
    // Chromium says so to a page that it loads again because somebody looks at the tab.
    await page.addInitScript(
      `Object.defineProperty(Document.prototype, 'wasDiscarded', { get: () => true });`,
    );
    await page.reload();
    await until('it is attached again', () => eventsOf('settings', 'worker-joined').length === 2);
    await page.getByRole('button', { name: 'Leave' }).click();
    await page.getByText('Let this tab compute for the run').waitFor();
    await page.reload();
    await page.getByText('Let this tab compute for the run').waitFor();
    expect(await page.getByLabel('Name').inputValue()).toBe('forgotten');
    await page.getByRole('button', { name: 'Start' }).click();
    const worker = start(['worker', `ws://${host}`, '--threads', '1', '--name', 'process'], {
      LOCKSTEP_TOKEN: TOKEN,
    });
    await expectSameBits('settings', coordinator);
    expect((await worker.finished).exitCode).toBe(0);
    const joined = eventsOf('settings', 'worker-joined').map(({ node }) => node);
    expect(joined.filter((node) => node === 'forgotten')).toHaveLength(3);
  });
});
