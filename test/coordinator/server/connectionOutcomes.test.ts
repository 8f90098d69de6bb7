/** What the coordinator is told of connections that become no node's. */

import { connect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ListenOptions } from '../../../src/coordinator/server/server.js';
import { selfSignedCertificate } from '../../support/certificate.js';
import { dial, dialled, openDoor, outcomeOf, rawConnection, UPGRADE_REQUEST } from '../../support/door.js';
import type { Door } from '../../support/door.js';
import { until } from '../../support/waiting.js';

const certificate = selfSignedCertificate();
const bearer = (token: string): { headers: Record<string, string> } => ({
  headers: { authorization: `Bearer ${token}` },
});

interface Watched {
  readonly door: Door;
  /** Address and reason of each. */
  readonly refusals: [string, string][];
}

async function watched(change: Partial<ListenOptions> = {}): Promise<Watched> {
  const refusals: Watched['refusals'] = [];
  const onRefused = (address: string, reason: string): void => void refusals.push([address, reason]);
  return { door: await openDoor({ ...change, onRefused }), refusals };
}

async function expectReason({ refusals }: Watched, reason: RegExp): Promise<void> {
  await until(() => refusals.length > 0);
  expect(refusals).toEqual([['127.0.0.1', expect.stringMatching(reason)]]);
}

describe('the coordinator is told, once, of', () => {
  it('no token, and of a wrong one', async () => {
    const { door, refusals } = await watched({ token: 's3cret' });
    expect(await outcomeOf(dial(door))).toBe(401);
    expect(await outcomeOf(dial(door, bearer('wrong')))).toBe(401);
    await dialled(door, bearer('s3cret'));
    expect(refusals).toEqual([
      ['127.0.0.1', 'no token'],
      ['127.0.0.1', 'a wrong token'],
    ]);
    expect(JSON.stringify(refusals)).not.toMatch(/s3cret|wrong"/);
  });

  it('a web page', async () => {
    const watching = await watched();
    await outcomeOf(dial(watching.door, { origin: 'http://example.com' }));
    await expectReason(watching, /^a web page$/);
  });

  it('a coordinator that is full', async () => {
    const watching = await watched({ maxNodes: 1 });
    await dialled(watching.door);
    expect(await outcomeOf(dial(watching.door))).toBe(503);
    await expectReason(watching, /as many nodes are attached as may be/);
  });

  it.each<[string, string, RegExp]>([
    ['a wrong path', UPGRADE_REQUEST.replace('/lockstep', '/else'), /a wrong path/],
    ['a plain request', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', /a plain HTTP request/],
    ['nonsense', 'nonsense\r\n\r\n', /does not speak HTTP/],
    ['TLS where there is none', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000', /needs ws:\/\//],
    ['an upgrade of an old version', UPGRADE_REQUEST.replace('Version: 13', 'Version: 1'), /malformed/],
  ])('%s', async (_what, text, reason) => {
    const watching = await watched();
    await rawConnection(watching.door, text).ended;
    await expectReason(watching, reason);
  });

  it('a connection that says nothing for too long', async () => {
    const watching = await watched({ handshakeTimeoutMs: 50 });
    await rawConnection(watching.door).ended;
    await expectReason(watching, /not connected as a worker within 0.05 s/);
  });

  it('nobody who only looks whether the port is open', async () => {
    const { door, refusals } = await watched({ token: 's3cret' });
    const socket = connect(door.port, '127.0.0.1');
    await new Promise<void>((resolve) => socket.once('connect', resolve));
    socket.destroy();
    await outcomeOf(dial(door)); // came later, and has been answered
    expect(refusals).toEqual([['127.0.0.1', 'no token']]);
  });
});

describe.skipIf(certificate === undefined)('with TLS (skipped where openssl is missing)', () => {
  it('of a connection without it', async () => {
    const watching = await watched({ tls: certificate });
    await rawConnection(watching.door, UPGRADE_REQUEST).ended;
    await expectReason(watching, /needs wss:\/\//);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'of a node that does not trust the certificate (%s)',
    async (version) => {
      const watching = await watched({ tls: certificate });
      const socket = tlsConnect({
        port: watching.door.port,
        host: '127.0.0.1',
        minVersion: version,
        maxVersion: version,
      });
      onTestFinished(() => void socket.destroy());
      await new Promise((resolve) => socket.once('error', resolve));
      await expectReason(watching, /does it trust the certificate/);
    },
  );

  it('of a wrong token, and not of the right one', async () => {
    const watching = await watched({ tls: certificate, token: 's3cret' });
    const { cert: ca } = certificate!;
    (await dialled(watching.door, { ca, ...bearer('s3cret') })).terminate();
    expect(await outcomeOf(dial(watching.door, { ca, ...bearer('no') }))).toBe(401);
    await expectReason(watching, /^a wrong token$/);
  });
});
