/**
 * Connections that the network has forgotten, while the coordinator can be reached as before: each side must find out by
 * itself, and the node attach anew. On real processes and a real browser.
 */

import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it, onTestFinished } from 'vitest';
import { NO_BROWSER, openBrowser, openPage } from './support/browser.js';
import { forgetfulLink } from './support/forgetfulLink.js';
import type { ForgetfulLink } from './support/forgetfulLink.js';
import {
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
import { standingStillAt, standsStill, stepIsDone } from './support/standStill.js';

const RECIPE = [
  ...['--dataset', 'synthetic', '--model', 'resnet8', '--train-limit', '1280', '--val-size', '64'],
  ...['--epochs', '1', '--batch-size', '32', '--micro-batch', '16', '--seed', '9'],
];
const STEPS = 40;
const HEARTBEAT = ['--heartbeat-timeout', '2'];

if (NO_BROWSER !== undefined) console.warn(`SKIPPED: forgotten connections of tabs: ${NO_BROWSER}`);

const folder = temporaryFolder();
const runDir = (name: string): string => path.join(folder, name);
let digest: string;
let browser: Browser | undefined;

beforeAll(async () => {
  if (NO_BROWSER === undefined) browser = await openBrowser();
  const { exitCode } = await run(['train', ...RECIPE, '--workers', '1', '--run-dir', runDir('reference')]);
  expect(exitCode).toBe(0);
  digest = readResult(runDir('reference')).weightsSha256;
});
afterEach(killAll);
afterAll(() => browser?.close());

async function coordinate(name: string): Promise<{ coordinator: Running; link: ForgetfulLink }> {
  const port = await freePort();
  const address = ['--listen', `127.0.0.1:${port}`, '--run-dir', runDir(name)];
  const coordinator = start(
    ['coordinator', ...RECIPE, ...HEARTBEAT, ...address],
    standingStillAt(stepIsDone(3)),
  );
  await untilListening(coordinator);
  const link = await forgetfulLink(port);
  onTestFinished(() => link.close());
  return { coordinator, link };
}

/** The only node loses its connection in the middle of the run, and must end it all the same. */
async function forgetInTheMiddle(name: string, coordinator: Running, link: ForgetfulLink): Promise<void> {
  const events = (kind: string) => readMetrics(runDir(name)).filter(({ event }) => event === kind);
  await standsStill(coordinator);
  expect(link.forgetNodes()).toBeGreaterThan(0);
  coordinator.kill('SIGCONT');
  expect((await coordinator.finished).exitCode).toBe(0);
  expect(readResult(runDir(name))).toMatchObject({ weightsSha256: digest, stepsCompleted: STEPS });
  expect(events('worker-joined').length).toBeGreaterThanOrEqual(2); // more, where a busy machine is silent for as long
  expect(events('worker-left').map(({ reason }) => reason)).toContain('no sign of life for 2 s');
}

it('a process notices that its connection is dead, and attaches anew', async () => {
  const { coordinator, link } = await coordinate('process');
  const worker = start(['worker', `ws://${link.host}`, '--threads', '1', ...HEARTBEAT]);
  await forgetInTheMiddle('process', coordinator, link);
  expect((await worker.finished).exitCode).toBe(0);
  expect(worker.output()).toContain('no sign of life for 2 s');
});

it.skipIf(NO_BROWSER !== undefined)(
  'a tab notices that its connection is dead although the server answers, and attaches anew',
  async () => {
    const { coordinator, link } = await coordinate('tab');
    const { page, complaints } = await openPage(browser!);
    await page.goto(`http://${link.host}/join`);
    await page.getByLabel('Threads').fill('1');
    await page.getByRole('button', { name: 'Start' }).click();
    await forgetInTheMiddle('tab', coordinator, link);
    await page.getByText('The run has ended').waitFor();
    expect(complaints).toEqual([]);
  },
);
