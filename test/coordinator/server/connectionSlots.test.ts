/** Connections before their handshake, over real sockets: silent, too slow, too large, or too many. */

import { connect as tlsConnect } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { encodeMessage } from '../../../src/protocol/index.js';
import { selfSignedCertificate } from '../../support/certificate.js';
import { dial, dialled, openDoor, outcomeOf, rawConnection, UPGRADE_REQUEST } from '../../support/door.js';
import { hello } from '../../support/messages.js';
import { until } from '../../support/waiting.js';

const certificate = selfSignedCertificate();
/** Short, so that a test need not wait for long; honest handshakes take a few milliseconds. */
const handshakeTimeoutMs = 300;

/** On a machine that stalls it may take too long once, or twice. */
async function inTime<Outcome>(handshake: () => Promise<Outcome>): Promise<Outcome> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await handshake();
    } catch (error) {
      if (attempt === 10) throw error;
    }
  }
}

describe('a connection is closed when the time for the handshake is over', () => {
  it.each<[string, string]>([
    ['saying nothing', ''],
    ['in the middle of the request line', 'GET /lock'],
    ['in the middle of the headers', UPGRADE_REQUEST.slice(0, 60)],
    ['with a body that never ends', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nxx'],
  ])('%s', async (_what, text) => {
    const door = await openDoor({ handshakeTimeoutMs });
    await rawConnection(door, text).ended;
  });

  it('even while headers trickle in (slow loris)', async () => {
    const door = await openDoor({ handshakeTimeoutMs });
    const { socket, ended } = rawConnection(door, 'GET /lockstep HTTP/1.1\r\nHost: x\r\n');
    const trickle = setInterval(() => socket.write(`X-${Math.floor(performance.now())}: y\r\n`), 20);
    onTestFinished(() => clearInterval(trickle));
    await ended;
  });

  it('when it was turned away and does not hang up', async () => {
    const door = await openDoor({ handshakeTimeoutMs, token: 's3cret' });
    const { socket } = await inTime(async () => {
      const { text, ended, ...turnedAway } = rawConnection(door, UPGRADE_REQUEST);
      await Promise.race([ended, until(() => text() !== '')]);
      expect(text()).toMatch(/^HTTP\/1.1 401/);
      return turnedAway;
    });
    // Half of the connection is still open: only the time limit ends it.
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const prod = setInterval(() => socket.write('x'), 20); // writing into a destroyed connection is answered by a reset
    onTestFinished(() => clearInterval(prod));
    await closed;
  });

  it.skipIf(certificate === undefined)('before, within and after the TLS handshake', async () => {
    const door = await openDoor({ handshakeTimeoutMs, tls: certificate });
    await rawConnection(door).ended;
    await rawConnection(door, '\u0016\u0003\u0001').ended;
    const secured = tlsConnect({ port: door.port, host: '127.0.0.1', rejectUnauthorized: false });
    onTestFinished(() => void secured.destroy());
    const ended = new Promise((resolve) => secured.on('close', resolve));
    secured.on('error', () => undefined);
    secured.write('GET /lockstep HTTP/1.1\r\n');
    await ended;
  });

  it('but a node is not: its handshake is done', async () => {
    const door = await openDoor({ handshakeTimeoutMs });
    const socket = await inTime(() => dialled(door));
    await rawConnection(door).ended; // came later, and its time is over
    socket.send(encodeMessage(hello()));
    await until(() => door.messages.length === 1);
    expect(door.closings).toEqual([]);
  });
});

describe('plain HTTP', () => {
  it.each<[string, string, string]>([
    ['a request', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', '426'],
    [
      'a request that wants to keep the connection',
      'GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n',
      '426',
    ],
    ['two requests in one', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2), '426'],
    ['nonsense', 'nonsense\r\n\r\n', '400'],
    ['headers without end', `GET / HTTP/1.1\r\nHost: x\r\n${'X-Long: 0123456789\r\n'.repeat(1200)}`, '431'],
    ['a TLS greeting', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003', '400'],
    ['an upgrade to something else', UPGRADE_REQUEST.replace('websocket', 'h2c'), '426'],
    ['an upgrade of an old version', UPGRADE_REQUEST.replace('Version: 13', 'Version: 1'), '400'],
    ['an upgrade without a key', UPGRADE_REQUEST.replace(/Sec-WebSocket-Key.*\r\n/, ''), '400'],
  ])('gets a short answer, and the connection ends: %s', async (_what, request, status) => {
    const door = await openDoor();
    const { ended, text } = rawConnection(door, request);
    await ended;
    expect(text()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(text().length).toBeLessThan(400);
    expect(text().match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(door.channels).toEqual([]);
  });
});

describe('the token', () => {
  it('missing and wrong get the same answer, byte for byte', async () => {
    const door = await openDoor({ token: 's3cret' });
    const answers = await Promise.all(
      ['', 'Authorization: Bearer wrong\r\n', 'Authorization: Basic czNjcmV0\r\n'].map(async (header) => {
        const { ended, text } = rawConnection(door, UPGRADE_REQUEST.replace('\r\n', `\r\n${header}`));
        await ended;
        return text();
      }),
    );
    expect(answers[0]).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/);
    expect(new Set(answers).size).toBe(1);
  });
});

describe('crowds', () => {
  it('connections that take all slots give way to later ones', async () => {
    const door = await openDoor({ maxNodes: 1 }); // and so 64 slots for connections before their handshake
    const crowd = Array.from({ length: 200 }, () => rawConnection(door, 'GET /'));
    let cut = 0;
    for (const { ended } of crowd) void ended.then(() => cut++);
    await until(() => cut >= 136);
    const socket = await dialled(door);
    socket.send(encodeMessage(hello()));
    await until(() => door.messages.length === 1);
  });

  it.runIf(process.platform === 'linux')(
    'the address with most connections gives way, not the others',
    async () => {
      const door = await openDoor({ maxNodes: 1 });
      const quiet = rawConnection(door, 'GET /', '127.0.0.2'); // the oldest of all
      let quietEnded = false;
      void quiet.ended.then(() => (quietEnded = true));
      await until(() => !quiet.socket.connecting);
      const crowd = Array.from({ length: 200 }, () => rawConnection(door, 'GET /', '127.0.0.3'));
      let cut = 0;
      for (const { ended } of crowd) void ended.then(() => cut++);
      await until(() => cut >= 137);
      expect(quietEnded).toBe(false);
    },
  );

  it('beyond the highest number of nodes is asked to come later, and taken when one has gone', async () => {
    const door = await openDoor({ maxNodes: 2 });
    const first = await dialled(door);
    await dialled(door);
    expect(await outcomeOf(dial(door))).toBe(503);
    first.terminate();
    await until(() => door.closings.length === 1);
    expect(await outcomeOf(dial(door))).toBe('open');
  });

  it('does not learn without the token that the house is full', async () => {
    const door = await openDoor({ maxNodes: 1, token: 's3cret' });
    await dialled(door, { headers: { authorization: 'Bearer s3cret' } });
    expect(await outcomeOf(dial(door))).toBe(401);
  });

  it('does not keep the coordinator from closing', async () => {
    const door = await openDoor();
    const connections = Array.from({ length: 20 }, () => rawConnection(door, 'GET /'));
    await until(() => connections.every(({ socket }) => !socket.connecting));
    await door.server.close();
    await Promise.all(connections.map(({ ended }) => ended));
  });
});
