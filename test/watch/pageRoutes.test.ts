/** Who may see the page of a run, and who may stop the run: over real requests. */

import { request } from 'node:http';
import { connect } from 'node:net';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { FleetView, NodeView, RunEvent } from '../../src/coordinator/index.js';
import { LiveRun, LiveStream, servePage } from '../../src/watch/index.js';
import type { PageOptions, ResumeCommand } from '../../src/watch/index.js';
import type { LiveView, MeAnswer } from '../../src/watch/live/api.js';
import { Sessions } from '../../src/watch/live/sessions.js';
import { until } from '../support/waiting.js';

const FILES = new Map([['/', { type: 'text/html; charset=utf-8', content: Buffer.from('<!doctype html>') }]]);
const NO_RUNS = {
  root: '',
  list: () => Promise.resolve([]),
  run: () => Promise.resolve(undefined),
  evaluation: () => Promise.resolve(undefined),
  filters: () => Promise.resolve(undefined),
  weights: () => Promise.resolve(undefined),
};

interface Served {
  readonly url: string;
  readonly stops: string[];
  readonly refused: string[];
  readonly run: LiveRun;
}

async function served(secrets: Partial<PageOptions['secrets']> = {}): Promise<Served> {
  const [stops, refused]: [string[], string[]] = [[], []];
  const run = new LiveRun(() => ({ nodes: [], round: undefined }), {});
  const server = await servePage({
    ...{ host: '127.0.0.1', port: 0, option: 'ui', runs: NO_RUNS, files: FILES },
    secrets: { control: undefined, view: undefined, ...secrets },
    live: {
      stream: new LiveStream(() => JSON.stringify(run.view())),
      stop: (who) => stops.push(who),
      attach: () => ({ shown: 'TOKEN=… worker', withToken: 'TOKEN=s3cret worker' }),
      join: () => 'http://h/join#token=for-workers',
    },
    onRefused: (_address, reason) => refused.push(reason),
  });
  onTestFinished(() => server.close());
  return { url: server.url, stops, refused, run };
}

const post = (
  url: string,
  path: string,
  headers: Record<string, string> = {},
  body: unknown = {},
): Promise<Response> =>
  fetch(`${url}${path}`, {
    method: 'POST',
    headers: { origin: url, ...headers },
    body: JSON.stringify(body),
  });

const logIn = (url: string, token: string): Promise<Response> => post(url, '/api/login', {}, { token });

/** @returns what a browser would send back */
const cookieOf = (response: Response): string => response.headers.get('set-cookie')!.split(';')[0]!;

async function me(url: string, headers: Record<string, string> = {}): Promise<MeAnswer> {
  return (await fetch(`${url}/api/me`, { headers })).json() as Promise<MeAnswer>;
}

const SECRETS = { control: 's3cret', view: 'lookers' };

describe('without any secret', () => {
  it('everyone on this machine may see and stop the run', async () => {
    const { url, stops } = await served();
    expect(await me(url)).toMatchObject({ right: 'control', canStop: true, canLogOut: false, shows: 'run' });
    expect((await post(url, '/api/stop')).status).toBe(202);
    expect(stops).toEqual(['127.0.0.1']);
  });

  it.each([
    ['of another site', { origin: 'http://evil.example' }],
    ['of another port', { origin: 'http://127.0.0.1:1' }],
    ['of a sandboxed page', { origin: 'null' }],
    ['that the browser calls cross-site', { 'sec-fetch-site': 'cross-site' }],
  ])('no request %s stops it', async (_what, headers) => {
    const { url, stops } = await served();
    expect((await post(url, '/api/stop', headers)).status).toBe(403);
    expect(stops).toEqual([]);
  });

  it('no request without an Origin stops it, and none for a foreign Host is answered', async () => {
    const { url, stops } = await served();
    expect((await fetch(`${url}/api/stop`, { method: 'POST' })).status).toBe(403);
    for (const path of ['/', '/api/me', '/api/runs', '/api/live']) {
      expect(await statusFor(`${url}${path}`, { host: 'evil.example' }), path).toBe(403);
    }
    expect(stops).toEqual([]);
  });

  it.each([
    ['127.0.0.1:PORT', 200],
    ['localhost:PORT', 200],
    ['[::1]:PORT', 200],
    ['10.0.0.1', 403],
    ['x@127.0.0.1:PORT', 403],
    ['127.0.0.1:PORT/x', 403],
    ['127.0.0.1:PORT?x', 403],
    ['127.0.0.1;x', 403],
  ])('a Host of %s is answered with %i', async (host, status) => {
    const { url } = await served();
    const named = host.replace('PORT', new URL(url).port);
    expect(await statusFor(`${url}/api/me`, { host: named })).toBe(status);
  });
});

function statusFor(url: string, headers: Readonly<Record<string, string>>, method = 'GET'): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    asked.on('error', reject).end();
  });
}

describe('with secrets', () => {
  it('nothing is told before one is shown', async () => {
    const { url } = await served(SECRETS);
    for (const path of ['/api/runs', '/api/run?id=x', '/api/live']) {
      expect((await fetch(`${url}${path}`)).status, path).toBe(401);
    }
    expect((await post(url, '/api/stop')).status).toBe(401);
    expect(await me(url)).toMatchObject({ right: 'none', canStop: false, attach: null, join: null });
    expect((await fetch(url)).status).toBe(200); // the page itself tells nothing
  });

  it('a wrong one is told of wherever it is shown, and none at all is not', async () => {
    const { url, refused } = await served(SECRETS);
    await fetch(`${url}/api/runs`);
    await fetch(`${url}/api/runs`, { headers: { authorization: 'Bearer lookers' } });
    expect(refused).toEqual([]);
    await fetch(`${url}/api/runs`, { headers: { authorization: 'Bearer guess' } });
    expect(refused).toEqual(['a wrong token, at the live page']);
  });

  it('a cookie of the same name that another server set does not shadow ours', async () => {
    const { url } = await served(SECRETS);
    const cookie = cookieOf(await logIn(url, 'lookers'));
    const other = `${cookie.split('=')[0]}=of-another-server`;
    expect(await me(url, { cookie: `${other}; ${cookie}` })).toMatchObject({ right: 'view' });
    expect(await me(url, { cookie: other })).toMatchObject({ right: 'none' });
  });

  it('the token gives control, by a cookie that scripts cannot read', async () => {
    const { url, stops } = await served(SECRETS);
    const response = await logIn(url, 's3cret');
    const header = response.headers.get('set-cookie')!;
    expect(header).toMatch(
      /^lockstep-\d+=control\.\d+\.[\w-]{22}\.[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/,
    );
    expect(header).not.toContain('s3cret');
    const cookie = cookieOf(response);
    expect(await me(url, { cookie })).toMatchObject({
      ...{ right: 'control', canStop: true, canLogOut: true },
      attach: { shown: 'TOKEN=… worker', copied: 'TOKEN=s3cret worker' },
      join: 'http://h/join#token=for-workers',
    });
    expect((await post(url, '/api/stop', { cookie, origin: 'http://evil.example' })).status).toBe(403);
    expect((await post(url, '/api/stop', { cookie })).status).toBe(202);
    expect(stops).toHaveLength(1);
  });

  it('the viewers’ secret gives sight alone: no stop, no token', async () => {
    const { url, stops } = await served(SECRETS);
    const cookie = cookieOf(await logIn(url, 'lookers'));
    expect(await me(url, { cookie })).toMatchObject({
      ...{ right: 'view', canStop: false },
      attach: { shown: 'TOKEN=… worker', copied: 'TOKEN=… worker' },
      join: null,
    });
    expect((await fetch(`${url}/api/runs`, { headers: { cookie } })).status).toBe(200);
    expect((await post(url, '/api/stop', { cookie })).status).toBe(403);
    expect((await post(url, '/api/stop', { authorization: 'Bearer lookers' })).status).toBe(403);
    expect(stops).toEqual([]);
  });

  it.each([
    ['a proxy that ends TLS', 'trainer.example', 'https://trainer.example', 202],
    ['a proxy at a port of its own', 'trainer.example:8443', 'https://trainer.example:8443', 202],
    ['another name of the same machine', 'TRAINER.example', 'http://trainer.example', 202],
    ['another port', 'trainer.example', 'https://trainer.example:8443', 403],
    ['a Host with a user in it', 'x@trainer.example', 'https://trainer.example', 403],
    ['a Host that goes on', 'trainer.example/x', 'https://trainer.example', 403],
  ])('a page that came by way of %s may stop the run or not', async (_what, host, origin, status) => {
    const { url } = await served(SECRETS);
    const cookie = cookieOf(await logIn(url, 's3cret'));
    expect(await statusFor(`${url}/api/stop`, { host, origin, cookie }, 'POST')).toBe(status);
  });

  it('a program may show one as a bearer, without an Origin', async () => {
    const { url, stops } = await served(SECRETS);
    const headers = { authorization: 'Bearer s3cret' };
    expect((await fetch(`${url}/api/stop`, { method: 'POST', headers })).status).toBe(202);
    expect(stops).toHaveLength(1);
    expect((await fetch(`${url}/api/runs`, { headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
  });

  it.each([{ token: 'wrong' }, { token: '' }, { token: 1 }, [], null])(
    'no other body of a login opens it: %j',
    async (body) => {
      const { url, refused } = await served(SECRETS);
      const response = await post(url, '/api/login', {}, body);
      expect(response.status).toBe(401);
      expect(response.headers.get('set-cookie')).toBeNull();
      expect(refused).toEqual(['a wrong token, at the live page']);
    },
  );

  it.each([5000, 5 << 20])('a body of %d bytes is answered, and the connection closed', async (byteCount) => {
    const { url } = await served(SECRETS);
    const { port } = new URL(url);
    const socket = connect(Number(port), '127.0.0.1');
    let answer = '';
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    socket.on('error', () => undefined);
    const head = `POST /api/login HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nOrigin: ${url}\r\n`;
    socket.write(`${head}Content-Length: ${byteCount}\r\n\r\n`);
    socket.write(Buffer.alloc(byteCount, 'x'));
    await closed;
    expect(answer).toMatch(/^HTTP\/1\.1 413 .*the body is too long: at most 4096 bytes"\}$/s);
  });

  it('guesses are limited', async () => {
    const { url } = await served(SECRETS);
    const statuses: number[] = [];
    for (let guess = 0; guess < 12; guess++) statuses.push((await logIn(url, `guess${guess}`)).status);
    expect(statuses.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 401));
    expect(statuses).toContain(429);
  });

  it('another site cannot log its victim in', async () => {
    const { url } = await served(SECRETS);
    const response = await post(url, '/api/login', { origin: 'http://evil.example' }, { token: 's3cret' });
    expect(response.status).toBe(403);
  });

  it('only viewers with their secret see a run that has no token, and nobody stops it', async () => {
    const { url } = await served({ view: 'lookers' });
    expect(await me(url)).toMatchObject({ right: 'none' });
    const cookie = cookieOf(await logIn(url, 'lookers'));
    expect((await post(url, '/api/stop', { cookie })).status).toBe(403);
  });
});

/** A stream of what happens, as far as it has come. */
async function watch(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ text: () => string; ended: () => boolean; response: IncomingMessage }> {
  let [text, ended] = ['', false];
  const response = await new Promise<IncomingMessage>((resolve) => {
    request(`${url}/api/live`, { headers }, resolve).end();
  });
  response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  response.on('end', () => (ended = true));
  onTestFinished(() => void response.destroy());
  return { text: () => text, ended: () => ended, response };
}

const busyFleet = (): FleetView => ({
  nodes: [{ id: 1, name: 'alpha', trainedImages: 0, attachedSeconds: 1 } as NodeView],
  round: { kind: 'work', round: 3, items: [1, 0] },
});
const resumeCommand = (runDir: string): ResumeCommand => ({ command: `continue ${runDir}`, note: null });
const START = { runDir: 'runs/a', stepsPerEpoch: 2, epochs: 3, maxSteps: null, resumedAtStep: 0 } as Omit<
  Extract<RunEvent, { event: 'run-started' }>,
  'event'
>;

describe('the stream', () => {
  it('shows the run as it is, again and again', async () => {
    const { url, run } = await served();
    const { text } = await watch(url);
    await until(() => text().includes('"phase":"starting"'));
    run.on(
      {
        event: 'waiting',
        reason: 'for <b>workers</b>',
        workersNeeded: 1,
        timeoutSeconds: 1,
      } satisfies RunEvent,
      0,
    );
    await until(() => text().includes('"phase":"waiting"'));
    const last = text().trim().split('\n\n').at(-1)!;
    expect((JSON.parse(last.replace(/^data: /, '')) as LiveView).waitingFor).toBe('for <b>workers</b>');
  });

  it('of a stopped run says so, shows nobody at work, and the command that continues it', () => {
    const run = new LiveRun(busyFleet, { resumeCommand });
    run.on({ event: 'run-started', ...START }, 0);
    expect(run.view()).toMatchObject({ phase: 'starting', nodes: [{}], round: {}, resume: null });
    run.on({ event: 'run-finished', stoppedBy: 'signal' } as RunEvent, 0);
    expect(run.view()).toMatchObject({
      ...{ phase: 'ended', stoppedBy: 'signal', nodes: [], round: null, secondsLeft: null },
      resume: { command: 'continue runs/a', note: null },
    });
  });

  it('of a run that has ended in another way has no such command', () => {
    for (const stoppedBy of ['epochs', undefined]) {
      const run = new LiveRun(busyFleet, { resumeCommand });
      run.on({ event: 'run-started', ...START }, 0);
      if (stoppedBy !== undefined) run.on({ event: 'run-finished', stoppedBy } as RunEvent, 0);
      run.end();
      expect(run.view()).toMatchObject({
        ...{ phase: 'ended', stoppedBy: stoppedBy ?? null, nodes: [], round: null, resume: null },
      });
    }
  });

  it('leaves places for whoever controls the run, however many viewers there are', () => {
    const stream = new LiveStream(() => '{}');
    const response = (): ServerResponse => {
      const ignored = (): boolean => true;
      return { writeHead: ignored, write: ignored, end: ignored, on: ignored } as unknown as ServerResponse;
    };
    let viewers = 0;
    for (; !stream.isFullFor('view'); viewers++) stream.open(response(), 'view');
    expect(viewers).toBe(96);
    expect(stream.isFullFor('control')).toBe(false);
    stream.close();
  });

  it('ends when its session logs out, and leaves others alone', async () => {
    const { url } = await served(SECRETS);
    const [one, other] = [cookieOf(await logIn(url, 's3cret')), cookieOf(await logIn(url, 'lookers'))];
    const [first, second] = [await watch(url, { cookie: one }), await watch(url, { cookie: other })];
    await until(() => first.text().includes('data:') && second.text().includes('data:'));
    expect((await post(url, '/api/logout', { cookie: one })).headers.get('set-cookie')).toMatch(/Max-Age=0/);
    await until(() => first.ended());
    expect(first.text()).toMatch(/event: logged-out\ndata: \{\}\n\n$/);
    expect((await fetch(`${url}/api/runs`, { headers: { cookie: one } })).status).toBe(401);
    const length = second.text().length;
    await until(() => second.text().length > length);
    expect(second.ended()).toBe(false);
  });
});

describe('a session', () => {
  const limits = { lifetimeMs: 1e6, mostLoggedOut: 2 };

  it('ends by its age, and with it what is open for it', async () => {
    const sessions = new Sessions(SECRETS, { ...limits, lifetimeMs: 50 });
    const cookie = sessions.begin('view');
    let closed = 0;
    sessions.whenEnded(cookie, () => closed++);
    await until(() => closed === 1);
    expect(sessions.find(cookie)).toBeUndefined();
  });

  it('holds in another process with the same secret, and in none with another', () => {
    const [viewer, owner] = [new Sessions(SECRETS).begin('view'), new Sessions(SECRETS).begin('control')];
    const again = new Sessions({ ...SECRETS, control: 'other' });
    expect(again.find(viewer)).toMatchObject({ right: 'view' });
    expect(again.find(owner)).toBeUndefined();
    expect(new Sessions({ control: undefined, view: undefined }).find(viewer)).toBeUndefined();
  });

  it('is no other’s: whatever is changed in the cookie, it opens nothing', () => {
    const sessions = new Sessions({ control: 'same', view: 'same' });
    const cookie = sessions.begin('view');
    expect(sessions.find(cookie.replace('view', 'control'))?.right).not.toBe('control');
    const [right, end, ...rest] = cookie.split('.');
    expect(sessions.find([right, Number(end) + 1, ...rest].join('.'))).toBeUndefined();
    for (let place = 0; place < cookie.length; place++) {
      const other = cookie[place] === 'A' ? 'B' : 'A';
      const changed = cookie.slice(0, place) + other + cookie.slice(place + 1);
      // The last letter of base64 has bits that mean nothing, but the text is compared.
      expect(sessions.find(changed), changed).toBeUndefined();
    }
    expect(sessions.find('')).toBeUndefined();
  });

  it('that is logged out stays so, however many others are, and no other right is touched', () => {
    const sessions = new Sessions(SECRETS, limits);
    const owner = sessions.begin('control');
    const viewers = Array.from({ length: 5 }, () => sessions.begin('view'));
    viewers.forEach((cookie) => sessions.close(cookie));
    expect(viewers.filter((cookie) => sessions.find(cookie))).toEqual([]);
    expect(sessions.find(owner)).toMatchObject({ right: 'control' });
  });

  it('is pushed out by none of many that come after it', () => {
    const sessions = new Sessions(SECRETS);
    const first = sessions.begin('view');
    for (let other = 0; other < 1000; other++) sessions.begin('view');
    expect(sessions.find(first)).toMatchObject({ right: 'view' });
  });
});
