import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { createServer, connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import type { ClientOptions } from 'ws';
import { isLoopback, isUnspecified } from '../../../src/coordinator/server/address.js';
import type { ListenOptions } from '../../../src/coordinator/server/server.js';
import { encodeMessage, ENDPOINT_PATH } from '../../../src/protocol/index.js';
import { beatByHand, beatFourTimeouts } from '../../support/beats.js';
import { selfSignedCertificate } from '../../support/certificate.js';
import { openDoor } from '../../support/door.js';
import type { Door } from '../../support/door.js';
import { rejectionOf } from '../../support/errors.js';
import { linkTo } from '../../support/link.js';
import { hello, result } from '../../support/messages.js';
import { until } from '../../support/waiting.js';

const certificate = selfSignedCertificate();
const TOKEN = 's3cret';

function dial(
  door: Door,
  { path = ENDPOINT_PATH, ...options }: ClientOptions & { path?: string } = {},
): WebSocket {
  const socket = new WebSocket(`${door.server.url}${path}`, options);
  onTestFinished(() => socket.terminate());
  return socket;
}

const withToken = (token: string): ClientOptions => ({ headers: { authorization: `Bearer ${token}` } });

/** The HTTP status with which the upgrade is turned down; `open` if it is not. */
function outcomeOf(socket: WebSocket): Promise<number | string> {
  return new Promise((resolve) => {
    socket.once('open', () => resolve('open'));
    socket.once('unexpected-response', (request, response: IncomingMessage) => {
      resolve(response.statusCode!);
      request.destroy();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

describe('the door', () => {
  it('opens for a WebSocket at its endpoint, and hands over a channel', async () => {
    const door = await openDoor();
    const socket = dial(door);
    expect(await outcomeOf(socket)).toBe('open');
    socket.send(encodeMessage(hello()));
    await until(() => door.messages.length === 1);
    expect(door.messages).toEqual([hello()]);
    expect(door.channels[0]!.peerName).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(door.server.url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+$/);
    expect(socket.extensions).toBe(''); // no compression
  });

  it.each(['/', '/other', `${ENDPOINT_PATH}/`, `${ENDPOINT_PATH}x`])('is not found at %s', async (path) => {
    const door = await openDoor({ token: TOKEN });
    expect(await outcomeOf(dial(door, { path, ...withToken(TOKEN) }))).toBe(404);
    expect(door.channels).toEqual([]);
  });

  it('answers plain HTTP with 426 on every path', async () => {
    const door = await openDoor({ token: TOKEN });
    for (const path of ['/', ENDPOINT_PATH]) {
      const response = await new Promise<IncomingMessage>((resolve) =>
        get(`${door.server.url.replace('ws:', 'http:')}${path}`, resolve),
      );
      response.resume();
      expect(response.statusCode).toBe(426);
    }
  });

  it('survives clients that send garbage or hang up', async () => {
    const door = await openDoor();
    const { port } = new URL(door.server.url);
    for (const text of [
      'nonsense\r\n\r\n',
      'GET /lockstep HTTP/1.1\r\nUpgrade: websocket\r\n',
      '\u0016\u0003\u0001',
    ]) {
      const socket = connect(Number(port), '127.0.0.1');
      socket.on('error', () => undefined);
      await new Promise<void>((resolve) => socket.write(text, () => resolve()));
      socket.destroy();
    }
    const halfUpgraded = connect(Number(port), '127.0.0.1');
    halfUpgraded.on('error', () => undefined);
    halfUpgraded.write(
      'GET /lockstep HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 1\r\n\r\n',
    );
    halfUpgraded.resetAndDestroy();
    expect(await outcomeOf(dial(door))).toBe('open');
  });
});

describe('the token', () => {
  it.each<[string, ClientOptions]>([
    ['none', {}],
    ['another', withToken('other')],
    ['a part of it', withToken(TOKEN.slice(0, -1))],
    ['more than it', withToken(`${TOKEN}x`)],
    ['it in another case', withToken(TOKEN.toUpperCase())],
    ['it by another scheme', { headers: { authorization: `Basic ${TOKEN}` } }],
    ['it without a scheme', { headers: { authorization: TOKEN } }],
    ['an empty one', { headers: { authorization: 'Bearer ' } }],
  ])('is required before the upgrade: %s gives 401', async (_what, options) => {
    const door = await openDoor({ token: TOKEN });
    expect(await outcomeOf(dial(door, options))).toBe(401);
    expect(door.channels).toEqual([]);
  });

  it('opens the door', async () => {
    const door = await openDoor({ token: TOKEN });
    expect(await outcomeOf(dial(door, withToken(TOKEN)))).toBe('open');
  });

  it('may be shown where none is needed', async () => {
    expect(await outcomeOf(dial(await openDoor(), withToken(TOKEN)))).toBe('open');
  });
});

describe('listening', () => {
  const attempt = (change: Partial<ListenOptions>): Promise<Door> => openDoor({ insecure: false, ...change });

  it.each(['0.0.0.0', '::', '192.0.2.7', 'trainer.example', '::ffff:192.0.2.7'])(
    'beyond loopback (%s) needs a token, whatever else is given',
    async (host) => {
      for (const insecure of [false, true]) {
        const error = await rejectionOf('E_LISTEN', attempt({ host, insecure }));
        expect(error.message).toContain('give one with token');
      }
    },
  );

  it('beyond loopback needs TLS as well, or the word that it may do without', async () => {
    const error = await rejectionOf('E_LISTEN', attempt({ host: '0.0.0.0', token: TOKEN }));
    expect(error.message).toContain('give tlsCert and tlsKey');
    expect(error.message).toContain('with insecure true');
    const door = await attempt({ host: '0.0.0.0', token: TOKEN, insecure: true });
    expect(door.server.url).toMatch(/^ws:\/\/(?!0\.0\.0\.0)[^:]+:\d+$/);
  });

  it('knows loopback by its names', () => {
    for (const host of [
      ...['localhost', 'LOCALHOST', '127.0.0.1', '127.1.2.3', '::1', '[::1]', '0:0:0:0:0:0:0:1', '[0::1]'],
      ...['::ffff:127.0.0.1', '::ffff:7f00:1', '::1%lo'],
    ]) {
      expect(isLoopback(host), host).toBe(true);
    }
    for (const host of [
      '0.0.0.0',
      '::',
      '10.0.0.1',
      'localhost.example',
      '127.0.0.1.example',
      '128.0.0.1',
      '127.1',
      '::ffff:10.0.0.1',
      'fe80::1%lo',
      '',
    ]) {
      expect(isLoopback(host), host).toBe(false);
    }
  });

  it('knows the addresses that stand for all of a machine’s', () => {
    for (const host of ['0.0.0.0', '::', '[::]', '0:0:0:0:0:0:0:0', '::ffff:0.0.0.0'])
      expect(isUnspecified(host), host).toBe(true);
    for (const host of ['127.0.0.1', '::1', 'localhost', '']) expect(isUnspecified(host), host).toBe(false);
  });

  it('where another listens is E_LISTEN, with the remedy', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void other.close());
    const { port } = other.address() as AddressInfo;
    const error = await rejectionOf('E_LISTEN', attempt({ port }));
    expect(error.message).toContain(`127.0.0.1:${port}`);
    expect(error.message).toMatch(/choose another port with listen/);
  });

  it('on an address that is not this machine’s is E_LISTEN', async () => {
    await rejectionOf('E_LISTEN', attempt({ host: '192.0.2.7', token: TOKEN, insecure: true }));
  });

  it('with a certificate that is none is E_LISTEN', async () => {
    await rejectionOf('E_LISTEN', attempt({ tls: { cert: 'not PEM', key: 'nor this' } }));
  });
});

describe('frames', () => {
  it('above the limit close their connection, and no other', async () => {
    const door = await openDoor();
    const [large, small] = [dial(door), dial(door)];
    let code = 0;
    large.on('close', (closeCode) => (code = closeCode));
    await Promise.all([outcomeOf(large), outcomeOf(small)]);
    large.send(encodeMessage(result({ gradientSum: new Uint8Array(100_001) })));
    await until(() => code !== 0 && door.closings.length > 0);
    expect(code).toBe(1009); // RFC 6455: message too big
    expect(door.messages).toEqual([]);
    small.send(encodeMessage(hello()));
    await until(() => door.messages.length === 1);
    expect(door.closings).toHaveLength(1);
  });

  it('that are no messages close their connection with the reason', async () => {
    const door = await openDoor();
    const socket = dial(door);
    const reasons: string[] = [];
    socket.on('close', (_code, reason) => reasons.push(reason.toString()));
    await outcomeOf(socket);
    socket.send('hello');
    await until(() => reasons.length > 0 && door.closings.length > 0);
    expect(reasons[0]).toMatch(/msgpack/);
  });
});

describe.skipIf(certificate === undefined)('TLS (skipped where openssl is missing)', () => {
  it('serves those who trust the certificate', async () => {
    const door = await openDoor({ tls: certificate, token: TOKEN });
    expect(door.server.url).toMatch(/^wss:/);
    const socket = dial(door, { ca: certificate!.cert, ...withToken(TOKEN) });
    expect(await outcomeOf(socket)).toBe('open');
    socket.send(encodeMessage(hello()));
    await until(() => door.messages.length === 1);
  });

  it('is refused by those who do not', async () => {
    const door = await openDoor({ tls: certificate });
    expect(await outcomeOf(dial(door))).toMatch(/SELF_SIGNED/);
    expect(door.channels).toEqual([]);
  });

  it('keeps a node through many heartbeat timeouts, and misses one that falls silent', async () => {
    const beats = beatByHand(300);
    const door = await openDoor({ tls: certificate, heartbeatTimeoutMs: 300 });
    const link = await linkTo(Number(new URL(door.server.url).port));
    onTestFinished(() => link.close());
    const socket = new WebSocket(`wss://127.0.0.1:${link.port}${ENDPOINT_PATH}`, { ca: certificate!.cert });
    onTestFinished(() => socket.terminate());
    const transport = new Promise<Socket>((resolve) => {
      socket.once('upgrade', (response) => resolve(response.socket));
    });
    expect(await outcomeOf(socket)).toBe('open');
    await beatFourTimeouts(beats, [await transport]);
    expect(door.closings).toEqual([]);
    link.swallow();
    await beats.beatUntil(() => door.closings.length > 0);
    expect(door.closings).toEqual(['no sign of life for 0.3 s']);
  });

  it('makes a token enough to listen beyond loopback', async () => {
    const door = await openDoor({ tls: certificate, token: TOKEN, host: '0.0.0.0' });
    expect(door.server.url).toMatch(/^wss:\/\/(?!0\.0\.0\.0)[^:]+:/);
  });
});

describe('a node that falls silent with the connection open', () => {
  it('is cut off after the heartbeat timeout that the server was given', async () => {
    const door = await openDoor({ heartbeatTimeoutMs: 300 });
    const link = await linkTo(Number(new URL(door.server.url).port));
    onTestFinished(() => link.close());
    const socket = new WebSocket(`ws://127.0.0.1:${link.port}${ENDPOINT_PATH}`);
    onTestFinished(() => socket.terminate());
    expect(await outcomeOf(socket)).toBe('open');
    link.swallow();
    await until(() => door.closings.length > 0);
    expect(door.closings).toEqual(['no sign of life for 0.3 s']);
  });
});

describe('closing', () => {
  it('ends when the nodes have hung up', async () => {
    const door = await openDoor();
    const socket = dial(door);
    await outcomeOf(socket);
    await until(() => door.channels.length === 1);
    door.channels[0]!.close('the run has ended');
    await door.server.close();
    await until(() => socket.readyState === WebSocket.CLOSED);
    expect(await outcomeOf(dial(door))).toBe('ECONNREFUSED');
  });
});
