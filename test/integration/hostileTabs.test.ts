/**
 * What pages and tabs that mean harm can do to a run: nothing. Fifty tabs' worth of them, as raw sockets that send what a
 * browser would, and as real pages in Chromium; the run then has the undisturbed weights.
 */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import {
  encodeMessage,
  LOCKSTEP_VERSION,
  PROTOCOL_VERSION,
  subprotocolsFor,
} from '../../src/protocol/index.js';
import type { Hello } from '../../src/protocol/index.js';
import { hello, result, secretOf } from '../support/messages.js';
import { NO_BROWSER, openBrowser, PAGE_LIMIT_MS } from './support/browser.js';
import {
  killAll,
  readMetrics,
  readResult,
  run,
  start,
  temporaryFolder,
  until,
  untilStep,
} from './support/lockstep.js';
import type { Running } from './support/lockstep.js';

if (NO_BROWSER !== undefined)
  console.warn(`SKIPPED: hostile pages in a real browser are not tested: ${NO_BROWSER}`);

const [TOKEN, JOIN] = ['the-token-of-this-run', 'the-secret-of-its-workers'];
const RECIPE = [
  ...[
    '--dataset',
    'synthetic',
    '--model',
    'resnet8',
    '--train-limit',
    '192',
    '--val-size',
    '0',
    '--seed',
    '7',
  ],
  ...['--batch-size', '32', '--micro-batch', '8', '--schedule', 'constant', '--epochs', '100000'],
];
/** Of each kind of tab. */
const TABS = 10;

interface Scene {
  readonly coordinator: Running;
  readonly worker: Running;
  readonly runDir: string;
  readonly port: string;
}

/** With one honest worker, which shows the secret for workers alone. */
async function scene(secrets: Readonly<Record<string, string>>): Promise<Scene> {
  const runDir = path.join(temporaryFolder(), 'the-run');
  const listen = ['--listen', '127.0.0.1:0', '--run-dir', runDir, '--heartbeat-timeout', '60'];
  const coordinator = start(['coordinator', ...RECIPE, ...listen], secrets);
  const port = (): string | undefined =>
    /listening on ws:\/\/127\.0\.0\.1:(\d+)/.exec(coordinator.output())?.[1];
  await until('the coordinator listens', () => port() !== undefined);
  const own = secrets['LOCKSTEP_JOIN_TOKEN'] === undefined ? {} : { LOCKSTEP_TOKEN: JOIN };
  const options = ['--threads', '1', '--name', 'honest', '--heartbeat-timeout', '60'];
  const worker = start(['worker', `ws://127.0.0.1:${port()}`, ...options], own);
  await untilStep(runDir, 3);
  return { coordinator, worker, runDir, port: port()! };
}

/** The run goes on, ends by a signal, and has the weights that as many steps have without any tab. */
async function expectUndisturbed({ coordinator, worker, runDir }: Scene): Promise<string> {
  const steps = readMetrics(runDir).filter(({ event }) => event === 'step').length;
  await untilStep(runDir, steps + 2);
  const told = worker.output();
  coordinator.kill('SIGINT');
  const { exitCode, stdout, stderr } = await coordinator.finished;
  const { stepsCompleted, lastWeightsSha256 } = readResult(runDir);
  const calm = path.join(temporaryFolder(), 'calm');
  const limit = ['--max-steps', String(stepsCompleted), '--workers', '1', '--run-dir', calm];
  expect((await run(['train', ...RECIPE, ...limit])).exitCode).toBe(0);
  expect(exitCode).toBe(130);
  expect(lastWeightsSha256).toBe(readResult(calm).lastWeightsSha256);
  expect(
    readMetrics(runDir).filter(({ event, node }) => event === 'worker-left' && node === 'honest'),
  ).toEqual([]);
  expect(told).not.toContain('not connected');
  return stdout + stderr;
}

interface TabEnd {
  /** Of HTTP, if the upgrade was refused; else `open`. */
  readonly upgrade: number | 'open';
  /** With which it was closed then. */
  readonly code: number;
}

/** A socket with the headers of a tab; it sends this once it is open, and waits until the coordinator ends it. */
function tab(
  port: string,
  { token, origin = `http://127.0.0.1:${port}` }: { readonly token?: string; readonly origin?: string },
  ...frames: readonly (Uint8Array | string)[]
): Promise<TabEnd> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/lockstep`, subprotocolsFor(token), { origin });
  onTestFinished(() => socket.terminate());
  return new Promise((resolve) => {
    socket.on('error', () => undefined);
    socket.once('unexpected-response', (request, { statusCode }) => {
      request.destroy();
      resolve({ upgrade: statusCode!, code: 0 });
    });
    socket.once('open', () => frames.forEach((frame) => socket.send(frame)));
    socket.once('close', (code) => resolve({ upgrade: 'open', code }));
  });
}

const many = async <Outcome>(act: (index: number) => Promise<Outcome>): Promise<readonly Outcome[]> =>
  Promise.all(Array.from({ length: TABS }, (_, index) => act(index)));

function garbage(seed: number): readonly (Uint8Array | string)[] {
  const bytes = Uint8Array.from(
    { length: 400 },
    (_, index) => (index * 167 + seed * 59 + ((index * index) % 251)) & 255,
  );
  return [[bytes], ['<script>'], [encodeMessage(greeting(seed)), bytes], [encodeMessage(result())]][
    seed % 4
  ]!;
}

const greeting = (index: number, change: Partial<Hello> = {}): Hello =>
  hello({
    nodeName: `tab-${index}`,
    nodeSecret: secretOf(`tab-${index}`),
    lockstepVersion: LOCKSTEP_VERSION,
    threads: 4,
    ...change,
  });

/** Every byte of every file below a folder. */
function everythingIn(directory: string): string {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(path.join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

afterEach(killAll);

describe("fifty tabs' worth of harm", () => {
  it('changes nothing of a run', async () => {
    const here = await scene({ LOCKSTEP_TOKEN: TOKEN, LOCKSTEP_JOIN_TOKEN: JOIN });
    const { port, runDir } = here;
    const ask = (place: string, secret: string, method = 'GET'): Promise<number> =>
      fetch(`http://127.0.0.1:${port}${place}`, {
        ...{ method, headers: { authorization: `Bearer ${secret}`, origin: `http://127.0.0.1:${port}` } },
        ...(place === '/api/login' ? { body: JSON.stringify({ token: secret }) } : {}),
      }).then(({ status }) => status);

    const [foreign, bare, pages, old, senseless] = await Promise.all([
      many((index) =>
        tab(port, { token: JOIN, origin: index % 2 ? 'https://evil.example' : 'http://127.0.0.1:1' }),
      ),
      many((index) => tab(port, index % 2 ? {} : { token: `guess-${index}` })),
      many((index) => {
        const places = [
          '/api/runs',
          '/api/live',
          '/api/run?id=the-run',
          '/metrics',
          '/api/login',
          '/api/stop',
        ];
        const place = places[index % places.length]!;
        return ask(place, JOIN, ['/api/login', '/api/stop'].includes(place) ? 'POST' : 'GET');
      }),
      many((index) => {
        const change = index % 2 ? { protocolVersion: PROTOCOL_VERSION - 1 } : { lockstepVersion: '0.0.1' };
        return tab(port, { token: JOIN }, encodeMessage(greeting(index, change)));
      }),
      many((index) => tab(port, { token: JOIN }, ...garbage(index))),
    ]);

    expect(foreign.map(({ upgrade }) => upgrade)).toEqual(Array(TABS).fill(403));
    expect(bare.map(({ upgrade }) => upgrade)).toEqual(Array(TABS).fill(401));
    expect(pages).toEqual(Array(TABS).fill(401));
    // The positive control: the same secrets are good for what they are for.
    expect([await ask('/api/runs', TOKEN), await ask('/metrics', TOKEN)]).toEqual([200, 200]);
    for (const { upgrade, code } of [...old, ...senseless]) {
      expect(upgrade).toBe('open');
      expect([1000, 1002, 1005]).toContain(code);
    }
    const reasons = readMetrics(runDir).flatMap(({ event, reason }) =>
      event === 'connection-refused' ? [reason] : [],
    );
    expect(reasons).toEqual(
      expect.arrayContaining([
        'a web page of another site',
        'no token',
        'a wrong token',
        'a wrong token, at the live page',
        expect.stringMatching(/protocol versions differ/),
        expect.stringMatching(/Lockstep versions differ/),
      ]),
    );

    const printed = await expectUndisturbed(here);
    for (const secret of [TOKEN, JOIN, 'guess-2', Buffer.from(JOIN).toString('base64url')]) {
      expect(printed).not.toContain(secret);
      expect(everythingIn(runDir)).not.toContain(secret);
    }
  });
});

/** Whether a page gets a WebSocket: as its browser tells it. A text, as this file is compiled without the types of a page. */
function dialFrom(page: Page, url: string, token?: string): Promise<string> {
  return page.evaluate<string>(`new Promise((resolve) => {
    const socket = new WebSocket(${JSON.stringify(url)}, ${JSON.stringify(subprotocolsFor(token))});
    socket.onopen = () => resolve('open, ' + socket.protocol);
    socket.onerror = () => resolve('refused'); // also where a policy of the page forbids it, which closes nothing
  })`);
}

/** Whether a page may read what this address answers. */
function readFrom(page: Page, url: string): Promise<string> {
  return page.evaluate(
    (address) =>
      fetch(address).then(
        ({ status }) => `read ${status}`,
        () => 'not read',
      ),
    url,
  );
}

describe.skipIf(NO_BROWSER !== undefined)('in a real browser', () => {
  let evil: Page;
  let own: Page;
  beforeAll(async () => {
    // DNS rebinding: this name is this machine's, for the browser.
    const browser = await openBrowser('--host-resolver-rules=MAP evil.example 127.0.0.1');
    const context = await browser.newContext();
    context.setDefaultTimeout(PAGE_LIMIT_MS);
    [evil, own] = [await context.newPage(), await context.newPage()];
    await evil.route('http://localhost:1/', (route) =>
      route.fulfill({ contentType: 'text/html', body: '<title>evil</title>' }),
    );
    return () => browser.close();
  });

  it.each([
    ['a token', { LOCKSTEP_TOKEN: TOKEN, LOCKSTEP_JOIN_TOKEN: JOIN }, JOIN],
    ['no token', {}, undefined],
  ])('a run with %s is joined from its own page, and from no other', async (_what, secrets, token) => {
    const here = await scene(secrets);
    const { port } = here;
    await evil.goto('http://localhost:1/');
    const [http, endpoint] = [`http://127.0.0.1:${port}`, `ws://127.0.0.1:${port}/lockstep`];
    expect(await dialFrom(evil, endpoint, token)).toBe('refused');
    for (const place of ['/join', '/', '/api/runs', '/metrics'])
      expect(await readFrom(evil, `${http}${place}`), place).toBe('not read');

    const rebound = await evil.goto(`http://evil.example:${port}/join`);
    expect(rebound?.status()).toBe(403);
    expect(await dialFrom(evil, `ws://evil.example:${port}/lockstep`, token)).toBe('refused');
    expect(await dialFrom(evil, endpoint, token)).toBe('refused');

    // The positive control: what this server has served may attach.
    await own.goto(`${http}/join`);
    expect(await dialFrom(own, endpoint, token)).toBe('open, lockstep');
    expect(await readFrom(own, `${http}/api/me`)).toBe('read 200');
    if (token !== undefined) expect(await dialFrom(own, endpoint)).toBe('refused');
    await expectUndisturbed(here);
  });
});
