/** Who gets the page that makes a tab a worker, and with which headers: over real requests. */

import { createServer, request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync, gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { answerBy, handlerFor, ServedHosts } from '../../src/coordinator/index.js';
import { joinRoutes } from '../../src/watch/index.js';

const HTML = Buffer.from(`<!doctype html>${'x'.repeat(2000)}`);
const FILES = new Map([
  ['/join', { type: 'text/html; charset=utf-8', content: HTML, packed: gzipSync(HTML) }],
  ['/join/compute.js', { type: 'text/javascript; charset=utf-8', content: Buffer.from('1') }],
]);

const NODE_SECRET = '0123456789abcdef0123456789abcdef';
const LOSSES = [
  [1, 2.5],
  [2, 2.25],
] as const;

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

let port = 0;
beforeEach(async () => {
  const names = ['trainer.example', "odd;script-src'*'.example"];
  const routes = joinRoutes({
    files: FILES,
    hosts: new ServedHosts({ names, cert: undefined, onlyLoopback: false }),
    isAttached: (nodeSecret) => nodeSecret === NODE_SECRET,
    losses: () => Promise.resolve(LOSSES),
  });
  const server = createServer((asked, response) => {
    const handler = handlerFor(routes, asked);
    if (handler) void answerBy(handler, asked, response);
    else response.writeHead(426).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  ({ port } = server.address() as AddressInfo);
});

function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', path, method, headers, agent: false }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('end', () => {
        const { statusCode, headers: told } = response;
        resolve({ status: statusCode!, headers: told, body: Buffer.concat(pieces) });
      });
    })
      .on('error', reject)
      .end();
  });
}

describe('the page by which tabs attach', () => {
  it.each(['/join', '/join/', '/join?x=1'])('is there for everybody, at %s', async (path) => {
    const { status, headers, body } = await ask(path);
    expect([status, headers['content-type'], body]).toEqual([200, 'text/html; charset=utf-8', HTML]);
  });

  it('asks nothing of another server, and lets its threads compile WebAssembly', async () => {
    for (const path of ['/join', '/join/compute.js']) {
      const { headers } = await ask(path);
      expect(headers['content-security-policy']).toBe(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; " +
          `img-src 'self' data:; connect-src 'self' ws://127.0.0.1:${port}; base-uri 'none'; ` +
          "form-action 'none'; frame-ancestors 'none'",
      );
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'cache-control': 'no-store',
      });
      expect(headers).not.toHaveProperty('access-control-allow-origin');
    }
  });

  it('has a policy with the name by which it was asked, where the policy can hold it', async () => {
    const policyAt = async (host: string): Promise<string> =>
      String((await ask('/join', { host })).headers['content-security-policy']);
    expect(await policyAt('trainer.example')).toContain("connect-src 'self' ws://trainer.example;");
    expect(await policyAt('TRAINER.example:80')).toContain("connect-src 'self' ws://trainer.example;");
    expect(await policyAt('[2001:db8::1]:7070')).toContain("connect-src 'self'; base-uri");
  });

  it('travels compressed to those who can read that', async () => {
    const { headers, body } = await ask('/join', { 'accept-encoding': 'br, gzip' });
    expect(headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
    expect(body.byteLength).toBeLessThan(100);
    expect(gunzipSync(body)).toEqual(HTML);
    for (const accepted of ['gzip;q=0', 'gzip; q=0, br', 'br', 'xgzip']) {
      const answer = await ask('/join', { 'accept-encoding': accepted });
      expect(answer.headers, accepted).not.toHaveProperty('content-encoding');
      expect(answer.body).toEqual(HTML);
    }
    const alone = await ask('/join/compute.js', { 'accept-encoding': 'gzip' });
    expect(alone.headers).not.toHaveProperty('content-encoding');
  });

  it.each([
    ...['evil.example', 'x.trainer.example', 'trainer.example.evil', '127.0.0.1/x', 'a@127.0.0.1'],
    ...["odd;script-src'*'.example", '127.0.0.1:x', '.', '[::1', '%31'],
  ])('is not given by the name %j, which is not its own', async (host) => {
    const { status, body, headers } = await ask('/join', { host });
    expect(status).toBe(403);
    expect(body.toString()).toContain('advertise');
    expect(JSON.stringify(headers)).not.toContain('evil');
  });

  it('has no other files, and takes nothing', async () => {
    expect((await ask('/join/secrets')).status).toBe(404);
    expect((await ask('/join/../x')).status).toBe(404);
    expect((await ask('/joined')).status).toBe(426);
    expect((await ask('/join', {}, 'POST')).status).toBe(405);
    expect((await ask('/join', {}, 'HEAD')).body.byteLength).toBe(0);
  });

  it('tells of the run whoever shows the secret of an attached node, and nobody else', async () => {
    const told = async (headers: Record<string, string>): Promise<unknown> =>
      JSON.parse((await ask('/join/run', headers)).body.toString());
    expect(await told({ 'lockstep-node': NODE_SECRET })).toEqual({ isAttached: true, losses: LOSSES });
    for (const other of [{}, { 'lockstep-node': '' }, { 'lockstep-node': NODE_SECRET.toUpperCase() }])
      expect(await told(other)).toEqual({ isAttached: false });
    const kept = { 'lockstep-node': NODE_SECRET, connection: 'keep-alive' };
    expect((await ask('/join/run', kept)).headers.connection).toBe('close');
    const byAnotherName = { 'lockstep-node': NODE_SECRET, host: 'evil.example' };
    expect((await ask('/join/run', byAnotherName)).status).toBe(403);
    // A page of another site would have to ask for leave first, since the header is no usual one.
    for (const method of ['POST', 'OPTIONS']) {
      const { status, headers } = await ask('/join/run', { 'lockstep-node': NODE_SECRET }, method);
      expect(status).toBe(405);
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });
});
