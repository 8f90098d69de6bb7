/** Plain HTTP on the coordinator's port, over real sockets: who answers which path, and what it does not cost nodes. */

import { describe, expect, it } from 'vitest';
import { handlerFor, mergeRoutes } from '../../../src/coordinator/server/routes.js';
import type { RequestHandler, Routes } from '../../../src/coordinator/server/routes.js';
import { dialled, openDoor, rawConnection } from '../../support/door.js';
import type { Door } from '../../support/door.js';
import { until } from '../../support/waiting.js';

const says =
  (text: string): RequestHandler =>
  (_request, response) =>
    void response.end(text);

const ROUTES: Routes = new Map([
  ['/health', says('well')],
  ['/api/*', says('below')],
  ['/api/exact', says('exact')],
]);

const ask = (door: Door, path: string): Promise<Response> => fetch(`http://127.0.0.1:${door.port}${path}`);

describe('plain HTTP requests', () => {
  it('go to the handler of their path, and get 426 elsewhere, which is reported', async () => {
    const refused: string[] = [];
    const door = await openDoor({ routes: ROUTES, onRefused: (_address, reason) => refused.push(reason) });
    const texts = ['/health?x=1', '/api/exact', '/api/other', '/api/'];
    const answers = await Promise.all(texts.map(async (path) => (await ask(door, path)).text()));
    expect(answers).toEqual(['well', 'exact', 'below', 'below']);
    expect(refused).toEqual([]);
    for (const path of ['/', '/api', '/health/', '/lockstep'])
      expect((await ask(door, path)).status).toBe(426);
    await until(() => refused.length > 0);
    expect(new Set(refused)).toEqual(new Set(['a plain HTTP request, not a worker']));
  });

  it('are answered as usual where they ask for another protocol than WebSocket', async () => {
    const refused: string[] = [];
    const door = await openDoor({ routes: ROUTES, onRefused: (_address, reason) => refused.push(reason) });
    const more =
      'Host: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n';
    const known = rawConnection(door, `GET /health HTTP/1.1\r\n${more}`);
    await known.ended;
    expect(known.text()).toMatch(/^HTTP\/1\.1 200 .*Connection: close.*well/s);
    const unknown = rawConnection(door, `GET /nothing HTTP/1.1\r\n${more}`);
    await unknown.ended;
    expect(unknown.text()).toMatch(/^HTTP\/1\.1 426 /);
    await until(() => refused.length > 0);
    await dialled(door);
  });

  it('keep their connection beyond the time for the handshake, and leave nodes their slots', async () => {
    const door = await openDoor({ routes: ROUTES, handshakeTimeoutMs: 300, maxNodes: 1 });
    const viewer = rawConnection(door, 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n');
    await until(() => viewer.text().endsWith('well'));
    await rawConnection(door).ended; // came later, and its time is over
    viewer.socket.write('GET /api/exact HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    await viewer.ended;
    expect(viewer.text()).toMatch(/exact$/);
    await dialled(door);
  });

  it.each<[string, RequestHandler]>([
    [
      'throws',
      () => {
        throw new Error('secret detail');
      },
    ],
    ['rejects', () => Promise.reject(new Error('secret detail'))],
  ])('get 500 and no details when a handler %s', async (_what, handler) => {
    const door = await openDoor({ routes: new Map([['/bad', handler]]) });
    const answer = await ask(door, '/bad');
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('secret');
    await dialled(door);
  });

  it('that nobody reads end their connection after a while', async () => {
    const door = await openDoor({
      unreadTimeoutMs: 200,
      routes: new Map([['/large', says('x'.repeat(64 << 20))]]),
    });
    const stalled = rawConnection(door, 'GET /large HTTP/1.1\r\nHost: x\r\n\r\n');
    await until(() => stalled.text().length > 0);
    stalled.socket.pause();
    const prod = setInterval(() => stalled.socket.write('x'), 20); // a connection that was reset says so
    await new Promise((resolve) => stalled.socket.once('close', resolve));
    clearInterval(prod);
  });

  it('that flood the server displace their own connections', async () => {
    const door = await openDoor({ routes: ROUTES });
    const crowd = Array.from({ length: 300 }, () =>
      rawConnection(door, 'GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /api/exact HTTP/1.1\r\n'),
    );
    let cut = 0;
    for (const { ended } of crowd) void ended.then(() => cut++);
    await until(() => cut >= 44);
    const other = rawConnection(
      door,
      'GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      '127.0.0.2',
    );
    await other.ended;
    expect(other.text()).toMatch(/well$/);
    await dialled(door);
  });
});

describe('the table of paths', () => {
  it('is merged from several, which must not contradict each other', () => {
    const merged = mergeRoutes(ROUTES, new Map([['/metrics', says('numbers')]]));
    expect([...merged.keys()]).toEqual(['/health', '/api/*', '/api/exact', '/metrics']);
    expect(() => mergeRoutes(ROUTES, ROUTES)).toThrow('two handlers for /health');
  });

  it.each(['', '*', '//api/x', '/../api/x', '/constructor', '/api%2Fx'])('knows nobody for %j', (url) => {
    expect(handlerFor(ROUTES, { url })).toBeUndefined();
  });
});
