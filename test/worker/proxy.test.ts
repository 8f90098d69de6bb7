/** A node that reaches its coordinator through an HTTP proxy. */

import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import { coordinatorChannel } from '../../src/protocol/index.js';
import { serveCoordinator } from '../../src/worker/connect.js';
import { selfSignedCertificate } from '../support/certificate.js';
import { CertificateAuthority, hasOpenssl } from '../support/certificateAuthority.js';
import type { Certificate } from '../support/certificate.js';
import { connectProxy } from '../support/connectProxy.js';
import { rejectionOf } from '../support/errors.js';
import { bye } from '../support/messages.js';
import { DESCRIPTION, FakePool } from './fakePool.js';

/** A coordinator with TLS that says goodbye to everybody. */
async function coordinator(tls: Certificate): Promise<URL> {
  const server = createServer({ ...tls });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket, request) => {
    const channel = coordinatorChannel(socket, 'a node', request.socket);
    channel.open({ onMessage: () => undefined, onClose: () => undefined });
    channel.send(bye({ runEnded: true, reason: 'through the proxy' }));
    channel.close('bye');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const client of sockets.clients) client.terminate();
    server.close();
  });
  return new URL(`wss://127.0.0.1:${(server.address() as AddressInfo).port}/lockstep`);
}

function attach(url: URL, proxy: URL, ca: string): Promise<string> {
  return serveCoordinator({
    url,
    proxy,
    ca,
    token: undefined,
    pool: new FakePool(1).asPool,
    description: DESCRIPTION,
    nodeName: 'the node',
    retryForMs: 0,
    signal: new AbortController().signal,
    onStatus: () => undefined,
  });
}

describe.skipIf(!hasOpenssl())('a node behind a proxy (skipped where openssl is missing)', () => {
  it('comes through it, with name and password, to the coordinator whose certificate it knows', async () => {
    const certificate = selfSignedCertificate()!;
    const url = await coordinator(certificate);
    const proxy = await connectProxy('name:word');
    proxy.url.username = 'name';
    proxy.url.password = 'word';
    expect(await attach(url, proxy.url, certificate.cert)).toBe('through the proxy');
    expect(proxy.asked).toEqual([{ target: url.host, credentials: 'name:word' }]);
  });

  it('is told what the proxy wants', async () => {
    const certificate = selfSignedCertificate()!;
    const url = await coordinator(certificate);
    const { url: proxy } = await connectProxy('name:word');
    const error = await rejectionOf('E_REFUSED', attach(url, proxy, certificate.cert));
    expect(error.message).toMatch(/the proxy .* wants a name and password/);
  });

  it('takes no other certificate than of the name in the URL', async () => {
    const authority = new CertificateAuthority('test authority');
    onTestFinished(() => authority.remove());
    const { url: proxy } = await connectProxy();
    for (const subjectAltName of ['DNS:localhost', 'DNS:trainer.example']) {
      const url = await coordinator(authority.issue({ subjectAltName }));
      const error = await rejectionOf('E_REFUSED', attach(url, proxy, authority.cert));
      expect(error.message).toMatch(/certificate is not trusted/);
    }
  });

  it('names the proxy if it cannot be reached', async () => {
    const certificate = selfSignedCertificate()!;
    const url = await coordinator(certificate);
    const error = await rejectionOf(
      'E_CONNECTION',
      attach(url, new URL('http://u:secret@127.0.0.1:1'), certificate.cert),
    );
    expect(error.message).toContain('by way of the proxy 127.0.0.1:1 (HTTPS_PROXY)');
    expect(error.message).not.toContain('secret');
  });
});
