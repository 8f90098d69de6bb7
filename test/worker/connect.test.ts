import dns from 'node:dns';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { coordinatorChannel, encodeMessage } from '../../src/protocol/index.js';
import type { CoordinatorChannel, NodeMessage } from '../../src/protocol/index.js';
import { serveCoordinator } from '../../src/worker/index.js';
import type { NodeStatus, ServeOptions } from '../../src/worker/index.js';
import { buildModel } from '../../src/model/index.js';
import { listen } from '../../src/coordinator/server/server.js';
import { selfSignedCertificate } from '../support/certificate.js';
import { rejectionOf } from '../support/errors.js';
import { linkTo } from '../support/link.js';
import { bye, parameters, refused, welcome, work } from '../support/messages.js';
import { settled, until } from '../support/waiting.js';
import { DESCRIPTION, FakePool } from './fakePool.js';

const certificate = selfSignedCertificate();

interface Visit {
  readonly socket: WebSocket;
  readonly channel: CoordinatorChannel;
  readonly messages: NodeMessage[];
}

interface Coordinator {
  readonly url: URL;
  readonly server: WebSocketServer;
  /** One a connection. */
  readonly visits: Visit[];
}

/** A coordinator that does what the test tells it to on each connection. */
async function coordinator(
  onVisit: (visit: Visit, count: number) => void = () => undefined,
  port = 0,
): Promise<Coordinator> {
  const server = new WebSocketServer({ host: '127.0.0.1', port });
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  const visits: Visit[] = [];
  server.on('connection', (socket, request) => {
    const channel = coordinatorChannel(socket, 'a node', request.socket);
    const visit: Visit = { socket, channel, messages: [] };
    visit.channel.open({ onMessage: (message) => visit.messages.push(message), onClose: () => undefined });
    visits.push(visit);
    onVisit(visit, visits.length);
  });
  const url = new URL(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/lockstep`);
  return { url, server, visits };
}

interface Served {
  readonly statuses: NodeStatus[];
  readonly stop: AbortController;
  readonly pool: FakePool;
  readonly outcome: Promise<string>;
}

function serve(url: URL, change: Partial<ServeOptions> = {}): Served {
  const statuses: NodeStatus[] = [];
  const stop = new AbortController();
  const pool = new FakePool(1);
  const outcome = serveCoordinator({
    url,
    token: undefined,
    pool: pool.asPool,
    description: DESCRIPTION,
    nodeName: 'the node',
    retryForMs: 60_000,
    signal: stop.signal,
    onStatus: (status) => statuses.push(status),
    ...change,
  });
  outcome.catch(() => undefined);
  onTestFinished(() => stop.abort());
  return { statuses, stop, pool, outcome };
}

const sayBye = ({ channel }: Visit, runEnded = true): void => {
  channel.send(bye({ runEnded, reason: 'the run has ended' }));
  channel.close('the run has ended');
};

/** A port on which nobody listens. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('serveCoordinator', () => {
  it('says hello, and returns the reason when the run has ended', async () => {
    const { url, visits } = await coordinator((visit) => sayBye(visit));
    const { outcome, statuses } = serve(url);
    expect(await outcome).toBe('the run has ended');
    expect(statuses).toEqual([{ kind: 'connected', url: url.href }]);
    await until(() => visits[0]!.messages.length > 0); // the end came before it was read
    expect(visits[0]!.messages[0]).toMatchObject({ type: 'hello', nodeName: 'the node' });
  });

  it('tries again when the name of the coordinator does not resolve yet', async () => {
    const { url, visits } = await coordinator((visit) => sayBye(visit));
    const lookup = vi
      .spyOn(dns, 'lookup')
      .mockImplementationOnce(((_name: string, _options: object, done: (error: Error) => void) =>
        done(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' }))) as never);
    onTestFinished(() => lookup.mockRestore());
    lookup.mockImplementation(((
      _name: string,
      options: { all?: boolean },
      done: (...answer: unknown[]) => void,
    ) =>
      options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)) as never);
    const { outcome, statuses } = serve(new URL(url.href.replace('127.0.0.1', 'localhost')));
    expect(await outcome).toBe('the run has ended');
    expect(statuses[0]).toMatchObject({
      kind: 'disconnected',
      reason: expect.stringContaining('ENOTFOUND') as string,
    });
    expect(visits).toHaveLength(1);
  });

  it('comes back when a coordinator says goodbye in mid-run, as one does that is stopped by hand', async () => {
    const { url, visits } = await coordinator((visit, count) => sayBye(visit, count > 1));
    await serve(url).outcome;
    expect(visits).toHaveLength(2);
  });

  it.each(['E_PROTOCOL', 'E_REFUSED'] as const)(
    'stays away when the coordinator refuses it, and says why, with the code %s that it was told',
    async (code) => {
      const { url, visits } = await coordinator(({ channel }) => {
        channel.send(refused({ code, reason: 'the protocol versions differ' }));
        channel.close('refused');
      });
      const error = await rejectionOf(code, serve(url).outcome);
      expect(error.message).toContain('the protocol versions differ');
      expect(error.message).toContain(url.href);
      expect(visits).toHaveLength(1);
    },
  );

  it('repeats nothing of a coordinator that could steer a terminal', async () => {
    const evil = '\u001b[2Jnow\r\n';
    const { url } = await coordinator(({ channel, socket }, count) => {
      if (count === 1) return socket.close(1000, evil);
      channel.send(refused({ code: 'E_REFUSED', reason: evil }));
      channel.close(evil);
    });
    const { outcome, statuses } = serve(url);
    const error = await rejectionOf('E_REFUSED', outcome);
    expect(error.message).toContain('\ufffd[2Jnow\ufffd\ufffd');
    expect(JSON.stringify([error.message, statuses])).not.toMatch(/\\u001b|\\r|\\n/);
    expect(statuses[1]).toMatchObject({ kind: 'disconnected', reason: '\ufffd[2Jnow\ufffd\ufffd' });
  });

  it('comes back by itself when the connection is lost, with a new conversation', async () => {
    const { url, visits } = await coordinator((visit, count) => {
      if (count < 3) visit.socket.terminate();
      else sayBye(visit);
    });
    const { outcome, statuses } = serve(url);
    expect(await outcome).toBe('the run has ended');
    expect(visits).toHaveLength(3);
    await until(() => visits[2]!.messages.length > 0);
    expect(visits[2]!.messages[0]!.type).toBe('hello');
    expect(statuses.map(({ kind }) => kind)).toEqual([
      'connected',
      'disconnected',
      'connected',
      'disconnected',
      'connected',
    ]);
  });

  it('hurries less and less back to a coordinator that drops it at once each time', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5); // the middle of the spread
    vi.spyOn(performance, 'now').mockReturnValue(0); // no connection lasts
    onTestFinished(() => void vi.restoreAllMocks());
    const { url } = await coordinator((visit, count) => {
      if (count < 4) visit.socket.terminate();
      else sayBye(visit);
    });
    const { outcome, statuses } = serve(url);
    await outcome;
    const pauses = statuses.flatMap((status) => (status.kind === 'disconnected' ? [status.retryInMs] : []));
    expect(pauses).toEqual([250, 500, 1000]);
  });

  it('spreads its pause over half to one and a half times its length', async () => {
    for (const [random, pauseMs] of [
      [0, 125],
      [0.999999, 375],
    ] as const) {
      vi.spyOn(Math, 'random').mockReturnValue(random);
      onTestFinished(() => void vi.restoreAllMocks());
      const { statuses, stop } = serve(new URL(`ws://127.0.0.1:${await freePort()}`));
      await until(() => statuses.length > 0);
      stop.abort();
      expect(statuses[0]).toMatchObject({ kind: 'disconnected', retryInMs: pauseMs });
    }
  });

  it('comes back when the coordinator falls silent with the connection open', async () => {
    const { url, visits } = await coordinator((visit, count) => {
      if (count > 1) sayBye(visit);
    });
    const link = await linkTo(Number(url.port));
    onTestFinished(() => link.close());
    url.port = String(link.port);
    const { outcome, statuses } = serve(url, { heartbeatTimeoutMs: 300 });
    await until(() => (visits[0]?.messages.length ?? 0) > 0);
    link.swallow();
    await until(() => statuses.some(({ kind }) => kind === 'disconnected'));
    link.pass();
    expect(await outcome).toBe('the run has ended');
    expect(statuses).toContainEqual(expect.objectContaining({ reason: 'no sign of life for 0.3 s' }));
  });

  it('comes back after a coordinator that broke the protocol', async () => {
    const { url, visits } = await coordinator((visit, count) => {
      if (count === 1) visit.socket.send('nonsense');
      else sayBye(visit);
    });
    await serve(url).outcome;
    expect(visits).toHaveLength(2);
  });
});

describe('a coordinator that would fill the memory of a node', () => {
  const { parameterCount, statisticCount } = buildModel('resnet8').layout;
  const bytes = (length: number): Uint8Array => new Uint8Array(4 * length);
  const GREETING = [
    welcome(),
    parameters({ parameters: bytes(parameterCount), statistics: bytes(statisticCount) }),
  ];
  /** As large as micro-batches may be in practice: 4.6 MB. */
  const LARGE = encodeMessage(work({ pixels: new Uint8Array(1500 * 3072), labels: new Uint8Array(1500) }));

  it('with items that nobody asked for, is cut off after the first few', async () => {
    const { url, visits } = await coordinator(({ socket, channel }, count) => {
      if (count > 1) return sayBye(visits.at(-1)!);
      for (const message of GREETING) channel.send(message);
      for (let index = 0; index < 735; index++) socket.send(LARGE, () => undefined);
    });
    const { outcome, pool, statuses } = serve(url);
    await outcome;
    expect(statuses).toContainEqual(
      expect.objectContaining({
        reason: expect.stringMatching(/broke the protocol: more than 4 items/) as string,
      }),
    );
    expect(pool.begun).toHaveLength(1);
    expect(visits[0]!.messages.map(({ type }) => type)).toEqual(['hello']);
  });

  it('a few items at a time, on one connection after another, has no more of them computed', async () => {
    const { url, visits } = await coordinator(({ channel }, count) => {
      for (const message of GREETING) channel.send(message);
      for (let index = 0; index < 2; index++) channel.send(work({ step: count, microBatch: index }));
      if (count < 3) channel.close('again');
    });
    const { pool } = serve(url);
    await until(() => visits.length === 3 && visits[2]!.messages.length > 0);
    expect(pool.begun).toHaveLength(1); // that of the first connection, which is not done yet
    await until(() => {
      while (pool.pending.length > 0) pool.finish();
      return visits[2]!.messages.length === 3;
    });
    expect(visits[2]!.messages.slice(1)).toMatchObject([
      { type: 'result', step: 3, microBatch: 0 },
      { type: 'result', step: 3, microBatch: 1 },
    ]);
  });

  it('with welcomes, is cut off at the second', async () => {
    const { url, visits } = await coordinator(({ channel }, count) => {
      if (count > 1) return sayBye(visits.at(-1)!);
      for (let index = 0; index < 100; index++) channel.send(GREETING[0]!);
    });
    const welcomes: string[] = [];
    const { outcome } = serve(url, { onWelcome: ({ runName }) => welcomes.push(runName) });
    await outcome;
    expect(welcomes).toHaveLength(1);
  });

  it('by never reading what it asked for, is cut off', async () => {
    const { url, visits } = await coordinator(({ socket, channel }) => {
      for (const message of GREETING) channel.send(message);
      channel.send(work({ step: 1 }));
      socket.pause();
    });
    const { pool, statuses } = serve(url);
    let step = 1;
    await until(() => {
      while (pool.pending.length > 0) {
        pool.finish();
        visits[0]!.channel.send(work({ step: ++step }));
      }
      return statuses.some((status) => status.kind === 'disconnected');
    });
    expect(statuses.at(-1)).toMatchObject({
      reason: expect.stringMatching(/answers are not read/) as string,
    });
  });
});

describe('a coordinator that cannot be reached', () => {
  it('is tried again, after pauses that grow, and then given up with E_CONNECTION and the remedy', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5); // the middle of the spread
    onTestFinished(() => void vi.restoreAllMocks());
    const url = new URL(`ws://127.0.0.1:${await freePort()}/lockstep`);
    let pausedMs = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => pausedMs); // only the pauses take time
    const pauses: number[] = [];
    const { outcome } = serve(url, {
      retryForMs: 400,
      onStatus: (status) => {
        if (status.kind !== 'disconnected') return;
        pauses.push(status.retryInMs);
        pausedMs += status.retryInMs;
      },
    });
    const error = await rejectionOf('E_CONNECTION', outcome);
    expect(error.message).toContain(url.href);
    expect(error.message).toContain('try longer with retryFor');
    expect(pauses).toEqual([250, 500]);
  });

  it('is not tried again with a patience of 0', async () => {
    const { outcome, statuses } = serve(new URL(`ws://127.0.0.1:${await freePort()}`), { retryForMs: 0 });
    await rejectionOf('E_CONNECTION', outcome);
    expect(statuses).toEqual([]);
  });

  it('is found when it comes', async () => {
    const port = await freePort();
    const { outcome, statuses } = serve(new URL(`ws://127.0.0.1:${port}/lockstep`));
    await until(() => statuses.length > 0);
    await coordinator((visit) => sayBye(visit), port);
    expect(await outcome).toBe('the run has ended');
  });

  it('is waited for no longer when the node is asked to stop', async () => {
    const { outcome, statuses, stop } = serve(new URL(`ws://127.0.0.1:${await freePort()}`));
    await until(() => statuses.length > 0);
    stop.abort();
    expect(await outcome).toMatch(/before a coordinator was reached/);
  });
});

describe('a server that keeps a node waiting', () => {
  /** Accepts, and says nothing. */
  async function silentServer(): Promise<{ url: URL; accepted: () => number }> {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    return { url: new URL(`ws://127.0.0.1:${port}/lockstep`), accepted: () => sockets.length };
  }

  it('by silence is left at once when the node is asked to stop', async () => {
    // Only the stop can end this: the time for the handshake stands still.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { url, accepted } = await silentServer();
    const { outcome, stop } = serve(url);
    while (accepted() === 0) await settled();
    stop.abort();
    expect(await outcome).toBe('stopped before a coordinator was reached');
  });

  it.each([true, false])(
    'by a bye after which nothing is closed is left (run ended: %s)',
    async (runEnded) => {
      const { url, visits } = await coordinator(({ channel, socket }, count) => {
        socket.pause(); // does not answer the closing handshake either
        channel.send(bye({ runEnded: runEnded || count > 1, reason: 'goodbye' }));
      });
      expect(await serve(url).outcome).toBe('goodbye');
      expect(visits).toHaveLength(runEnded ? 1 : 2);
      for (const { socket } of visits) socket.resume();
      await until(() => visits.every(({ socket }) => socket.readyState === socket.CLOSED));
    },
  );
});

describe('a coordinator that turns the node away', () => {
  const opened = async (change: object = {}): Promise<URL> => {
    const server = await listen({
      host: '127.0.0.1',
      port: 0,
      token: undefined,
      tls: undefined,
      insecure: false,
      maxFrameBytes: 100_000,
      onChannel: (channel) => {
        channel.open({ onMessage: () => undefined, onClose: () => undefined });
        channel.send(bye());
        channel.close('done');
      },
      ...change,
    });
    onTestFinished(() => server.close());
    return new URL(`${server.url}/lockstep`);
  };

  it.each([undefined, 'wrong'])('for its token (%s) is not asked again', async (token) => {
    const { outcome, statuses } = serve(await opened({ token: 's3cret' }), { token });
    const error = await rejectionOf('E_REFUSED', outcome);
    expect(error.message).toMatch(/with token$/);
    expect(statuses).toEqual([]);
  });

  it('takes it with the right token', async () => {
    await serve(await opened({ token: 's3cret' }), { token: 's3cret' }).outcome;
  });

  it('because it is none is not asked again', async () => {
    const url = await opened();
    url.pathname = '/elsewhere';
    const error = await rejectionOf('E_REFUSED', serve(url).outcome);
    expect(error.message).toMatch(/no Lockstep coordinator/);
  });

  it.skipIf(certificate === undefined)(
    'is trusted with its certificate authority, and not without (skipped where openssl is missing)',
    async () => {
      const url = await opened({ tls: certificate });
      const error = await rejectionOf('E_REFUSED', serve(url).outcome);
      expect(error.message).toMatch(/not trusted.*with ca$/);
      await serve(url, { ca: certificate!.cert }).outcome;
    },
  );

  it.skipIf(certificate === undefined)(
    'is not asked again without TLS if it has it; the message says which URL to use (skipped where openssl is missing)',
    async () => {
      const url = await opened({ tls: certificate });
      const plain = new URL(url.href.replace('wss:', 'ws:'));
      const error = await rejectionOf('E_REFUSED', serve(plain, { token: 'correct' }).outcome);
      expect(error.message).toContain(`it listens with TLS; use wss://${url.host}`);
    },
  );

  it('is not asked again with TLS if it has none; the message says which URL to use', async () => {
    const url = await opened();
    const secure = new URL(url.href.replace('ws:', 'wss:'));
    const error = await rejectionOf('E_REFUSED', serve(secure, { token: 'correct' }).outcome);
    expect(error.message).toContain(`it listens without TLS; use ws://${url.host}`);
  });
});

describe('a node that is asked to stop', () => {
  it('hands in what it has, asks to leave, and goes when it is let go', async () => {
    const { layout } = buildModel('resnet8');
    const { url, visits } = await coordinator(({ channel }) => {
      channel.send(welcome());
      channel.send(
        parameters({
          parameters: new Uint8Array(4 * layout.parameterCount),
          statistics: new Uint8Array(4 * layout.statisticCount),
        }),
      );
      channel.send(work());
    });
    const { outcome, stop, pool } = serve(url);
    await until(() => pool.pending.length === 1);
    stop.abort();
    await until(() => visits[0]!.messages.some(({ type }) => type === 'drain'));
    pool.finish();
    await until(() => visits[0]!.messages.some(({ type }) => type === 'result'));
    visits[0]!.channel.send(bye({ runEnded: false, reason: 'drained' }));
    visits[0]!.channel.close('drained');
    expect(await outcome).toBe('drained');
    expect(visits).toHaveLength(1);
  });

  it('does not come back when the connection is lost meanwhile', async () => {
    const { url, visits } = await coordinator();
    const { outcome, stop } = serve(url);
    await until(() => (visits[0]?.messages.length ?? 0) > 0);
    stop.abort();
    visits[0]!.socket.terminate();
    await outcome;
    await settled();
    expect(visits).toHaveLength(1);
  });
});

describe('frames to a node', () => {
  it('may be as large as the weights of the largest model', async () => {
    const large = parameters({
      parameters: new Uint8Array(4 * 1_800_000),
      statistics: new Uint8Array(4 * 5000),
    });
    const { url } = await coordinator(({ socket }) => {
      socket.send(encodeMessage(large)); // before the welcome: a breach, but not of the size
    });
    const { statuses, stop } = serve(url);
    await until(() => statuses.some(({ kind }) => kind === 'disconnected'));
    stop.abort();
    const lost = statuses.find((status) => status.kind === 'disconnected');
    expect(lost?.kind === 'disconnected' && lost.reason).toMatch(/parameters came before welcome/);
  });
});
