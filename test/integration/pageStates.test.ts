/**
 * What the pages show after the run ends, after a log-out and after failed requests, in a real browser. The server runs in
 * this process and the tab's node is a fake, so each test decides when something happens.
 */

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { encodeSafetensors } from '../../src/coordinator/checkpoints/safetensors.js';
import { saveEvaluation } from '../../src/coordinator/index.js';
import {
  LiveRun,
  LiveStream,
  OwnRun,
  readJoinFiles,
  readPageFiles,
  RunCatalog,
  servePage,
} from '../../src/watch/index.js';
import type { PageOptions, PageServer } from '../../src/watch/index.js';
import { evaluationOf } from '../support/evaluations.js';
import { epochLine, makeRun } from '../support/runFolders.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { NO_BROWSER, openBrowser, openPage, PAGE_LIMIT_MS } from './support/browser.js';

const LIMIT = { timeout: PAGE_LIMIT_MS };
const TOKEN = 's3cret';
/** Longer than the pause between two polls, and than a Copy button shows “Copied”. */
const A_WHILE_MS = 2_500;

if (NO_BROWSER !== undefined) console.warn(`SKIPPED: the states of the pages are not tested: ${NO_BROWSER}`);

describe.skipIf(NO_BROWSER !== undefined)('the live page', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser('--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream');
  });
  afterAll(() => browser.close());

  async function serve(options: Pick<PageOptions, 'runs' | 'live'>, control?: string): Promise<PageServer> {
    const server = await servePage({
      ...{ host: '127.0.0.1', port: 0, option: 'ui', files: readPageFiles() },
      secrets: { control, view: undefined },
      ...options,
    });
    onTestFinished(() => server.close());
    return server;
  }

  /** Serves the run of a process. */
  function serveRun(control?: string): Promise<PageServer> {
    const runs = new OwnRun();
    runs.is(makeRun(path.join(temporaryFolder(), 'run'), { lines: [epochLine(1)] }));
    const run = new LiveRun(() => ({ nodes: [], round: undefined }), {});
    const stream = new LiveStream(() => JSON.stringify(run.view()));
    const attach = (): { shown: string; withToken: string } => ({ shown: 'worker', withToken: 'worker' });
    return serve({ runs, live: { stream, attach, onClosing: () => run.end() } }, control);
  }

  const statusOf = (page: Page): Promise<string> => page.locator('#status').innerText();

  /** @returns how often the page has requested this path since */
  function countRequests(page: Page, pathname: string): () => number {
    let count = 0;
    page.on('request', (request) => {
      if (new URL(request.url()).pathname === pathname) count++;
    });
    return () => count;
  }

  /** Hides the tab and shows it again, as when somebody switches tabs. */
  async function lookAway(page: Page): Promise<void> {
    await page.evaluate(`for (const hidden of [true, false]) {
      Object.defineProperty(document, 'hidden', { configurable: true, value: hidden });
      document.dispatchEvent(new Event('visibilitychange'));
    }`);
  }

  async function logOut(page: Page): Promise<void> {
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel(/Token/).waitFor();
    await expect.poll(() => statusOf(page), LIMIT).toBe('');
  }

  it('does not follow a run that has ended when the tab is shown again', async () => {
    const server = await serveRun();
    const { page } = await openPage(browser);
    await page.goto(server.url);
    await page.getByRole('status').getByText('starting', { exact: true }).waitFor();
    await page.route('**/api/me', (route) => route.abort()); // a slow test process might still answer it
    await server.close();
    await page.getByRole('status').getByText('ended by an error').waitFor();
    const attempts = countRequests(page, '/api/live');
    await lookAway(page);
    await page.waitForRequest('**/api/me'); // it checks whether the process is back
    expect(attempts()).toBe(0);
    expect(await statusOf(page)).toBe('ended by an error');
  });

  it('does not follow the run after a log-out, and follows it again after a log-in', async () => {
    const server = await serveRun(TOKEN);
    const { page } = await openPage(browser);
    await page.goto(`${server.url}#token=${TOKEN}`);
    await page.getByRole('status').getByText('starting', { exact: true }).waitFor();
    await logOut(page);
    const attempts = countRequests(page, '/api/live');
    await lookAway(page);
    await page.evaluate("fetch('api/me')");
    expect(attempts()).toBe(0);
    expect(await statusOf(page)).toBe('');
    await page.getByLabel(/Token/).fill(TOKEN);
    await page.getByRole('button', { name: 'Show the runs' }).click();
    await page.getByRole('status').getByText('starting', { exact: true }).waitFor();
  });

  it('stops polling a folder after a log-out, and ignores the answer to its last poll', async () => {
    const root = temporaryFolder();
    makeRun(path.join(root, 'run'));
    const server = await serve({ runs: new RunCatalog(root) }, TOKEN);
    const { page } = await openPage(browser);
    await page.clock.install();
    await page.goto(`${server.url}#token=${TOKEN}`);
    await page.getByRole('status').getByText('live', { exact: true }).waitFor();
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    await page.route('**/api/runs', (route) => released.then(() => route.continue()));
    await page.waitForRequest('**/api/runs');
    await logOut(page);
    const polls = countRequests(page, '/api/runs');
    const answer = page.waitForResponse('**/api/runs');
    release();
    expect((await answer).status()).toBe(401);
    await page.clock.fastForward(A_WHILE_MS);
    await page.evaluate("fetch('api/me')");
    expect(polls()).toBe(0);
    expect(await statusOf(page)).toBe('');
  });

  it('follows the run again after a proxy answered with errors', async () => {
    const server = await serveRun();
    const { page } = await openPage(browser);
    let isAway = false;
    const answerAsProxy = { status: 502, contentType: 'text/html', body: '<h1>Bad Gateway</h1>' };
    await page.route('**/api/me', (route) => (isAway ? route.fulfill(answerAsProxy) : route.continue()));
    await page.route('**/api/live', (route) => {
      isAway = true; // after the page has loaded
      return route.fulfill(answerAsProxy);
    });
    const lost = page.waitForResponse((response) => response.url().endsWith('/api/me') && !response.ok());
    await page.goto(server.url);
    await lost;
    await page.getByRole('status').getByText('the run does not answer; trying again').waitFor();
    await page.unroute('**/api/live');
    await page.unroute('**/api/me');
    await page.getByRole('status').getByText('starting', { exact: true }).waitFor();
  });

  it('says that a proxy answers while the page loads, and goes on when the server does', async () => {
    const server = await serveRun();
    const { page } = await openPage(browser);
    await page.route('**/api/me', (route) =>
      route.fulfill({ status: 502, contentType: 'text/html', body: '<h1>Bad Gateway</h1>' }),
    );
    await page.goto(server.url);
    await page.getByText('a proxy answered in place of the server (502 Bad Gateway); trying again').waitFor();
    await page.unroute('**/api/me');
    await page.getByRole('status').getByText('starting', { exact: true }).waitFor();
  });

  it('fetches an evaluation and filters again after a network error, but not a damaged evaluation', async () => {
    const root = temporaryFolder();
    const folder = makeRun(path.join(root, 'run'), { lines: [epochLine(1), epochLine(2)] });
    await saveEvaluation(folder, evaluationOf());
    const tensor = { name: 'conv.weight', shape: [1, 1, 3, 1], values: Float32Array.of(1, 0, -1) };
    writeFileSync(
      path.join(folder, 'checkpoints', 'best.safetensors'),
      encodeSafetensors({ metadata: {}, tensors: [tensor] }),
    );
    const damaged = makeRun(path.join(root, 'damaged'), { lines: [epochLine(1)] });
    writeFileSync(path.join(damaged, 'evaluation-2026-01-02.json'), '{');
    const server = await serve({ runs: new RunCatalog(root) });
    const { page } = await openPage(browser);
    let isBroken = true;
    for (const name of ['evaluation', 'filters'])
      await page.route(`**/api/${name}?*`, (route) => (isBroken ? route.abort() : route.continue()));
    await page.goto(server.url);
    await page.getByRole('button', { name: 'run', exact: true }).click();
    await page.getByText(/^evaluation\S* could not be fetched; trying again\.$/).waitFor();
    isBroken = false;
    await page.getByRole('heading', { name: 'Confusion matrix' }).waitFor();
    await page.getByRole('img', { name: 'filter 1 of 1' }).waitFor();

    await page.getByRole('button', { name: 'damaged', exact: true }).click();
    await page.getByText('is damaged, and is not shown').waitFor();
    const attempts = countRequests(page, '/api/evaluation');
    for (let polls = 0; polls < 2; polls++) await page.waitForResponse('**/api/runs');
    expect(attempts()).toBe(0);
  });

  it('offers the camera again after an error has stopped it', async () => {
    const root = temporaryFolder();
    makeRun(path.join(root, 'without-weights'));
    const server = await serve({ runs: new RunCatalog(root) });
    const { page } = await openPage(browser);
    await page.goto(server.url);
    await page.getByRole('button', { name: 'without-weights', exact: true }).click();
    await page.getByRole('button', { name: 'Use the camera' }).click();
    await page.locator('.tried').getByText('this run has no weights yet').waitFor();
    await page.getByRole('button', { name: 'Use the camera' }).waitFor();
    expect(await page.getByRole('button', { name: 'Stop the camera' }).count()).toBe(0);
  });

  it('does not show beside one run what went wrong with another', async () => {
    const root = temporaryFolder();
    for (const name of ['first', 'second']) makeRun(path.join(root, name));
    const server = await serve({ runs: new RunCatalog(root) });
    const { page } = await openPage(browser);
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    await page.route('**/api/weights?*', (route) => released.then(() => route.continue()));
    await page.goto(server.url);
    await page.getByRole('button', { name: 'first', exact: true }).click();
    const asked = page.waitForRequest('**/api/weights?*');
    await page.getByRole('button', { name: 'Use the camera' }).click();
    await asked;
    await page.getByRole('button', { name: 'second', exact: true }).click();
    await page
      .getByRole('heading', { name: /second/ })
      .first()
      .waitFor();
    const answer = page.waitForResponse('**/api/weights?*');
    release();
    expect((await answer).ok()).toBe(false);
    await page.waitForResponse('**/api/runs'); // what the answer leads to has happened by then
    expect(await page.locator('.tried').innerText()).toBe('');
  });

  it('shows the label of a Copy button again after two clicks', async () => {
    const server = await serveRun();
    const { page } = await openPage(browser);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.clock.install();
    await page.goto(server.url);
    const copy = page.locator('#attach .command button');
    for (let click = 0; click < 2; click++) {
      await copy.click();
      await expect.poll(() => copy.innerText(), LIMIT).toBe('Copied');
    }
    await page.evaluate('navigator.clipboard.readText()'); // so the second click is done, too
    await page.clock.fastForward(A_WHILE_MS);
    expect(await copy.innerText()).toBe('Copy');
  });
});

/** Replaces the node, the battery and the screen lock by fakes that the tests control. */
const FAKES = `
  window.nodes = [];
  window.Worker = class extends EventTarget {
    constructor() {
      super();
      nodes.push(this);
    }
    postMessage() {}
    terminate() {}
    say(data) {
      this.dispatchEvent(new MessageEvent('message', { data }));
    }
  };
  window.battery = Object.assign(new EventTarget(), { charging: true, level: 0.5 });
  window.locks = [];
  window.grants = [];
  const request = () =>
    new Promise((resolve) => {
      const lock = { released: false, release: async () => (lock.released = true) };
      locks.push(lock);
      grants.push(() => resolve(lock));
    });
  Object.defineProperties(navigator, {
    getBattery: { value: async () => battery },
    wakeLock: { value: { request } },
  });`;

describe.skipIf(NO_BROWSER !== undefined)('the page for tabs', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser.close());

  /** Opens the page and starts it. Its fake node says that it computes. */
  async function openComputing(): Promise<Page> {
    const server = await servePage({
      ...{ host: '127.0.0.1', port: 0, option: 'ui', files: readJoinFiles() },
      ...{ secrets: { control: undefined, view: undefined }, runs: new RunCatalog(temporaryFolder()) },
    });
    onTestFinished(() => server.close());
    const { page } = await openPage(browser);
    await page.addInitScript(FAKES);
    await page.goto(`${server.url}/join`);
    await page.getByRole('button', { name: 'Start' }).click();
    await say(page, { kind: 'welcome', runName: 'the-run', length: undefined });
    await headline(page, 'Computing for the-run');
    return page;
  }

  const say = (page: Page, message: object): Promise<unknown> =>
    page.evaluate(`nodes.at(-1).say(${JSON.stringify(message)})`);

  const headline = (page: Page, text: string): Promise<void> =>
    page.getByRole('status').getByText(text, { exact: true }).waitFor();

  const setCharging = (page: Page, isCharging: boolean): Promise<unknown> =>
    page.evaluate(`{
      battery.charging = ${isCharging};
      battery.dispatchEvent(new Event('chargingchange'));
    }`);

  const finish = (page: Page): Promise<unknown> =>
    say(page, { kind: 'over', end: { kind: 'dismissed', reason: 'it has left' } });

  const nodeCount = (page: Page): Promise<number> => page.evaluate('nodes.length');

  it.each([
    ['Leave', 'Leave the run', 'Let this tab compute for the run'],
    ['Pause', 'Pause', 'Paused'],
  ])('does not let the battery override a click on %s', async (_what, button, after) => {
    const page = await openComputing();
    await page.getByText('on mains').waitFor();
    await page.getByRole('button', { name: button, exact: true }).click();
    await headline(page, 'Finishing what is in progress…');
    await setCharging(page, false);
    await finish(page);
    await headline(page, after);
    await setCharging(page, true);
    expect(await page.locator('#headline').innerText()).toBe(after);
    expect(await nodeCount(page)).toBe(1);
  });

  it('pauses on battery during a restart with another number of threads', async () => {
    const page = await openComputing();
    await page.getByText('on mains').waitFor();
    await page.locator('#threads').dispatchEvent('change');
    await headline(page, 'Finishing what is in progress…');
    await setCharging(page, false);
    await finish(page);
    await headline(page, 'Paused: on battery');
    await setCharging(page, true);
    expect(await nodeCount(page)).toBe(2);
  });

  it('goes on if mains power is back before it has finished for the battery', async () => {
    const page = await openComputing();
    await page.getByText('on mains').waitFor();
    await setCharging(page, false);
    await headline(page, 'Finishing what is in progress…');
    await setCharging(page, true);
    await finish(page);
    await expect.poll(() => nodeCount(page), LIMIT).toBe(2);
  });

  it('requests one screen lock at a time, and releases it', async () => {
    const page = await openComputing();
    const losses = { kind: 'losses', losses: [[1, 2]] };
    await say(page, losses); // draws the page again before the browser answers
    await page.evaluate('grants.forEach((grant) => grant())');
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await finish(page);
    await headline(page, 'Paused');
    const isReleased = (): Promise<readonly boolean[]> =>
      page.evaluate('locks.map(({ released }) => released)');
    expect(await isReleased()).toEqual([true]);

    // A pause before the browser answers.
    await page.getByRole('button', { name: 'Go on' }).click();
    await say(page, { kind: 'welcome', runName: 'the-run', length: undefined });
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    expect(await isReleased()).toEqual([true, false]);
    await page.evaluate('grants.forEach((grant) => grant())');
    await expect.poll(isReleased, LIMIT).toEqual([true, true]);
  });
});
