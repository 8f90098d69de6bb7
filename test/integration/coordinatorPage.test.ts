/** The page of a running coordinator in a real browser: who computes, what grows, stop, and who may do what. */

import path from 'node:path';
import decodeQR from 'qr/decode.js';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { NO_BROWSER, openBrowser, openPage, PAGE_LIMIT_MS } from './support/browser.js';
import { killAll, readMetrics, readResult, run, start, temporaryFolder, until } from './support/lockstep.js';
import type { Running } from './support/lockstep.js';

if (NO_BROWSER !== undefined) console.warn(`SKIPPED: a coordinator's page is not tested: ${NO_BROWSER}`);

const RECIPE = ['--dataset', 'synthetic', '--model', 'resnet8', '--train-limit', '192', '--val-size', '64'];
const SHAPE = [
  '--batch-size',
  '64',
  '--micro-batch',
  '8',
  '--seed',
  '7',
  '--schedule',
  'constant',
  '--patience',
  '0',
];
/** More epochs than any test waits for: the run must not end by itself. */
const ENDLESS = 1_000_000;
const HOSTILE = '<img src=x onerror="document.title=1">';

interface Coordinator {
  readonly running: Running;
  readonly runDir: string;
  /** Of the page. */
  readonly url: string;
  readonly port: string;
}

/** What a scanner reads in a code whose dark modules this path draws, with four light ones around it. */
function scanned(path: string | null): string {
  const dark = [...(path ?? '').matchAll(/M(\d+) (\d+)h/g)].map(
    ([, x, y]) => [Number(x), Number(y)] as const,
  );
  const scale = 4;
  const width = (Math.max(...dark.flat()) + 5) * scale;
  const data = new Uint8ClampedArray(width * width * 4).fill(255);
  for (const [x, y] of dark)
    for (let row = 0; row < scale; row++)
      for (let column = 0; column < scale; column++) {
        const at = ((y * scale + row) * width + x * scale + column) * 4;
        data.fill(0, at, at + 3);
      }
  return decodeQR({ width, height: width, data });
}

describe.skipIf(NO_BROWSER !== undefined)("a coordinator's page", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser.close());
  afterEach(killAll);

  async function coordinate(
    epochs: number,
    options: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Coordinator> {
    const runDir = path.join(temporaryFolder(), 'the-run');
    const about = [...RECIPE, ...SHAPE, '--epochs', String(epochs), '--run-dir', runDir];
    const running = start(['coordinator', '--listen', '127.0.0.1:0', ...about, ...options], env);
    const address = (): RegExpExecArray | null =>
      /live page: (http:\/\/127\.0\.0\.1:(\d+)\/)/.exec(running.output());
    await until('the address of the page', () => address() !== null);
    const [, url, port] = address()!;
    return { running, runDir, url: url!, port: port! };
  }

  function attach({ port }: Coordinator, name: string, env: Readonly<Record<string, string>> = {}): Running {
    const options = ['--threads', '1', '--name', name, '--heartbeat-timeout', '60'];
    return start(['worker', `ws://127.0.0.1:${port}`, ...options], env);
  }

  const nodes = (page: Page): Locator => page.getByRole('region', { name: 'Nodes' });
  const row = (page: Page, name: string): Locator => nodes(page).getByRole('row').filter({ hasText: name });

  it('shows two nodes, grows while it is watched, shows a frozen and a killed node as gone', async () => {
    const coordinator = await coordinate(ENDLESS, ['--min-workers', '2', '--heartbeat-timeout', '4']);
    const { page, complaints } = await openPage(browser);
    await page.goto(coordinator.url);
    await page.getByRole('status').getByText('waiting for 2 worker(s)').waitFor();
    const frozen = attach(coordinator, 'frozen');
    const hostile = attach(coordinator, HOSTILE);
    await row(page, 'frozen').waitFor();
    await row(page, HOSTILE).waitFor();
    await page.getByText('2 workers on 2 nodes').waitFor();

    const csv = async (): Promise<number> => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'CSV' }).click(),
      ]);
      return (await (await download.createReadStream()).toArray()).join('').split('\n').length;
    };
    await page.getByLabel('Over').selectOption('step');
    await page.locator('#charts canvas').first().waitFor();
    const before = await csv();
    await expect.poll(csv, { timeout: PAGE_LIMIT_MS }).toBeGreaterThan(before);
    await page.getByRole('img', { name: /^(Step|Evaluation)/ }).waitFor();

    frozen.kill('SIGSTOP');
    await page.getByRole('listitem').filter({ hasText: 'frozen: no sign of life for 4 s' }).waitFor();
    await row(page, 'frozen').waitFor({ state: 'detached' });
    frozen.kill('SIGKILL');
    hostile.kill('SIGKILL');
    await row(page, HOSTILE).waitFor({ state: 'detached' });
    await page.locator('#departures').getByText(HOSTILE).first().waitFor();
    await page.getByText('No worker is attached.').waitFor();
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.title()).not.toBe('1');
    expect(complaints).toEqual([]);
  });

  it('stops the run as Ctrl-C does, and the run resumes to the undisturbed weights', async () => {
    const coordinator = await coordinate(ENDLESS);
    const { page } = await openPage(browser);
    await page.goto(coordinator.url);
    attach(coordinator, 'alpha');
    await until('a step is done', () =>
      readMetrics(coordinator.runDir).some(({ event }) => event === 'step'),
    );
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.getByRole('button', { name: 'Keep training' }).click();
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.getByRole('button', { name: 'Save and stop' }).click();
    const { exitCode: stopped, stdout } = await coordinator.running.finished;
    expect(stopped).toBe(130);
    expect(stdout).toContain('stopped on the live page, by a viewer at 127.0.0.1');
    expect(readResult(coordinator.runDir).stoppedBy).toBe('signal');
    // The page says so, shows nobody at work any more, and how to go on: as the terminal does.
    await page.getByRole('status').getByText('stopped').waitFor();
    await page.getByRole('heading', { name: 'This run has been stopped' }).waitFor();
    const command = /continue with: (.*)\n/.exec(stdout)![1]!;
    await page.getByText(command, { exact: true }).waitFor();
    await page.locator('#ending').getByRole('button', { name: 'Copy' }).waitFor();
    await page.locator('#run-glance').getByText('stopped', { exact: true }).waitFor();
    await page.getByText('Who computed how much').waitFor();
    await page.getByText('attached', { exact: true }).first().waitFor({ state: 'detached' });
    await nodes(page).waitFor({ state: 'hidden' });
    await page.locator('#step-picture').waitFor({ state: 'hidden' });

    const epochs = ['--epochs', String(readResult(coordinator.runDir).epochsCompleted + 2), '--workers', '1'];
    const resumed = await run(['train', '--resume', coordinator.runDir, ...epochs]);
    expect(resumed.exitCode).toBe(0);
    const undisturbed = path.join(temporaryFolder(), 'undisturbed');
    await run(['train', ...RECIPE, ...SHAPE, ...epochs, '--run-dir', undisturbed]);
    expect(readResult(coordinator.runDir).weightsSha256).toBe(readResult(undisturbed).weightsSha256);
  });

  it('asks for the token, tells viewers from those who may stop, and ends what is open on logging out', async () => {
    const secrets = { LOCKSTEP_TOKEN: 's3cret', LOCKSTEP_UI_TOKEN: 'lookers' };
    const coordinator = await coordinate(ENDLESS, [], secrets);
    attach(coordinator, 'alpha', secrets);
    const { page } = await openPage(browser);
    await page.goto(coordinator.url);
    const logIn = async (on: Page, token: string): Promise<void> => {
      await on.getByLabel(/Token/).fill(token);
      await on.getByRole('button', { name: 'Show the runs' }).click();
    };
    await logIn(page, 'wrong');
    await page.getByText('the token is wrong').waitFor();
    await page.getByRole('heading', { name: 'Nodes' }).waitFor({ state: 'hidden' });
    await logIn(page, 'lookers');
    await row(page, 'alpha').waitFor();
    await page.getByText('LOCKSTEP_TOKEN=…').waitFor();
    expect(await page.getByRole('button', { name: 'Stop', exact: true }).count()).toBe(0);
    expect(await page.evaluate('document.cookie')).toBe('');
    const stop = await page.evaluate(async () => (await fetch('api/stop', { method: 'POST' })).status);
    expect(stop).toBe(403);

    // Another tab of the same session: it ends with it.
    const tab = await page.context().newPage();
    await tab.goto(coordinator.url);
    await row(tab, 'alpha').waitFor();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel(/Token/).waitFor();
    await tab.getByLabel(/Token/).waitFor();
    expect(await tab.evaluate(async () => (await fetch('api/runs')).status)).toBe(401);

    await tab.goto(`${coordinator.url}#token=s3cret`);
    await tab.reload(); // the address alone differs in what is behind #
    await tab.getByRole('button', { name: 'Stop', exact: true }).waitFor();
    expect(tab.url()).toBe(coordinator.url);
    coordinator.running.kill('SIGTERM');
    expect((await coordinator.running.finished).stdout).not.toContain('s3cret');
  });

  it('shows those who control the run a link for browser tabs, as a code for cameras, too', async () => {
    const secrets = {
      LOCKSTEP_TOKEN: 's3cret',
      LOCKSTEP_UI_TOKEN: 'lookers',
      LOCKSTEP_JOIN_TOKEN: 'for-workers',
    };
    const coordinator = await coordinate(ENDLESS, [], secrets);
    const { page, complaints } = await openPage(browser);
    await page.goto(`${coordinator.url}#token=s3cret`);
    await page.getByRole('heading', { name: 'Join from a browser' }).waitFor();
    const link = `${coordinator.url}join#token=for-workers`;
    expect(await page.locator('#attach').innerText()).not.toContain('for-workers');
    await page.getByText('Show it as a QR code').click();
    const code = page.getByRole('img', { name: 'QR code of the link' });
    await code.waitFor();
    expect(scanned(await code.locator('path').last().getAttribute('d'))).toBe(link);
    const open = page.getByRole('link', { name: 'Compute in a tab of this browser' });
    expect(await open.getAttribute('href')).toBe(link);
    const [tab] = await Promise.all([page.waitForEvent('popup'), open.click()]);
    await tab.waitForURL(`${coordinator.url}join**`);
    expect(await tab.evaluate('window.opener')).toBeNull();
    expect(complaints).toEqual([]);

    const { page: viewer } = await openPage(browser);
    await viewer.goto(`${coordinator.url}#token=lookers`);
    await viewer.getByText('LOCKSTEP_TOKEN=…').waitFor();
    expect(await viewer.getByText('Join from a browser').count()).toBe(0);
    const told = await viewer.evaluate(async () => (await fetch('api/me')).text());
    expect(told).not.toContain('for-workers');
  });

  it('lets no other site read, stop or frame it', async () => {
    const coordinator = await coordinate(ENDLESS);
    const { page } = await openPage(browser);
    const evil = 'http://localhost:1/'; // another origin, answered by the test
    await page.route(evil, (route) =>
      route.fulfill({ contentType: 'text/html', body: '<title>evil</title>' }),
    );
    await page.goto(evil);
    const outcomes = await page.evaluate(async (url) => {
      const attempt = (init: RequestInit): Promise<string> =>
        fetch(url + (init.method === 'POST' ? 'api/stop' : 'api/runs'), init).then(
          ({ type, status }) => `${type} ${status}`,
          () => 'refused',
        );
      return Promise.all([
        attempt({}),
        attempt({ method: 'POST' }),
        attempt({ method: 'POST', mode: 'no-cors' }),
      ]);
    }, coordinator.url);
    expect(outcomes).not.toContain('cors 200');
    expect(outcomes[0]).toBe('refused');
    expect(outcomes[1]).toBe('refused');

    // DNS rebinding: the browser takes the other site's name for this machine.
    const misled = await openBrowser('--host-resolver-rules=MAP evil.example 127.0.0.1');
    onTestFinished(() => misled.close());
    const { page: rebound } = await openPage(misled);
    const answer = await rebound.goto(coordinator.url.replace('127.0.0.1', 'evil.example'));
    expect(answer?.status()).toBe(403);
    const statuses = await rebound.evaluate(async () => [
      (await fetch('/api/runs')).status,
      (await fetch('/api/stop', { method: 'POST' })).status,
    ]);
    expect(statuses).toEqual([403, 403]);
    expect(readMetrics(coordinator.runDir).some(({ event }) => event === 'run-finished')).toBe(false);
    expect(coordinator.running.child.exitCode).toBeNull();
  });

  it('is not there with --no-ui, and train --ui has one of its own', async () => {
    const running = start([
      'coordinator',
      '--listen',
      '127.0.0.1:0',
      '--no-ui',
      ...RECIPE,
      ...SHAPE,
      '--run-dir',
      path.join(temporaryFolder(), 'x'),
    ]);
    const port = (): string | undefined =>
      /listening on ws:\/\/127\.0\.0\.1:(\d+)/.exec(running.output())?.[1];
    await until('it listens', () => port() !== undefined);
    expect((await fetch(`http://127.0.0.1:${port()}/`)).status).toBe(426);
    running.kill('SIGTERM');
    expect((await running.finished).stdout).not.toContain('live page');

    const runDir = path.join(temporaryFolder(), 'alone');
    const train = start([
      'train',
      '--ui',
      '127.0.0.1:0',
      ...RECIPE,
      ...SHAPE,
      '--epochs',
      String(ENDLESS),
      '--workers',
      '1',
      '--run-dir',
      runDir,
    ]);
    const url = (): string | undefined => /live page: (\S+)/.exec(train.output())?.[1];
    await until('the address of the page', () => url() !== undefined);
    const { page, complaints } = await openPage(browser);
    await page.goto(url()!);
    await row(page, 'local').getByText('this process').waitFor();
    const { origin } = new URL(url()!);
    expect(await (await fetch(`${origin}/healthz`)).json()).toEqual({ alive: true });
    const readiness = async (): Promise<number> => (await fetch(`${origin}/readyz`)).status;
    await expect.poll(readiness, { timeout: PAGE_LIMIT_MS }).toBe(200);
    expect(await (await fetch(`${origin}/metrics`)).text()).toContain(
      'lockstep_node_workers{node="local"} 1',
    );
    expect(await page.getByText('Attach another machine').count()).toBe(0);
    expect(complaints).toEqual([]);
  });
});
