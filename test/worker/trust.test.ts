/** Which certificates a node accepts, over real TLS connections to a real door. */

import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { listen } from '../../src/coordinator/server/server.js';
import { serveCoordinator } from '../../src/worker/index.js';
import { CertificateAuthority, hasOpenssl } from '../support/certificateAuthority.js';
import type { CertificateRequest } from '../support/certificateAuthority.js';
import { selfSignedCertificate } from '../support/certificate.js';
import type { Certificate } from '../support/certificate.js';
import { rejectionOf } from '../support/errors.js';
import { bye } from '../support/messages.js';
import { DESCRIPTION, FakePool } from './fakePool.js';

const HERE = 'IP:127.0.0.1';
const TOKEN = 's3cret';

/** Serves with the certificate; what it hears of tokens is kept. */
async function coordinator(tls: Certificate): Promise<{ url: URL; visits: () => number }> {
  let visits = 0;
  const server = await listen({
    host: '127.0.0.1',
    port: 0,
    token: TOKEN,
    tls,
    insecure: false,
    maxFrameBytes: 100_000,
    onChannel: (channel) => {
      visits++;
      channel.open({ onMessage: () => undefined, onClose: () => undefined });
      channel.send(bye());
      channel.close('done');
    },
  });
  onTestFinished(() => server.close());
  return { url: new URL(`${server.url}/lockstep`), visits: () => visits };
}

function attach(url: URL, ca?: string): Promise<string> {
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const outcome = serveCoordinator({
    url,
    token: TOKEN,
    ca,
    pool: new FakePool(1).asPool,
    description: DESCRIPTION,
    nodeName: 'the node',
    retryForMs: 60_000,
    signal: stop.signal,
    onStatus: () => undefined,
  });
  outcome.catch(() => undefined);
  return outcome;
}

describe.skipIf(!hasOpenssl())('TLS (skipped where openssl is missing)', () => {
  const authority = new CertificateAuthority('Lockstep test authority');
  const another = new CertificateAuthority('another authority');
  afterAll(() => {
    authority.remove();
    another.remove();
  });
  const refusal = async (request: CertificateRequest, ca: string | undefined): Promise<string> => {
    const { url, visits } = await coordinator(authority.issue(request));
    const error = await rejectionOf('E_REFUSED', attach(url, ca));
    expect(visits()).toBe(0); // the token was not shown either: the upgrade comes after the handshake
    return error.message;
  };

  it('takes a certificate of the authority that --ca names', async () => {
    const { url } = await coordinator(authority.issue({ subjectAltName: HERE }));
    expect(await attach(url, authority.cert)).toBe('the run has ended');
  });

  it('takes one of several authorities in one file', async () => {
    const { url } = await coordinator(authority.issue({ subjectAltName: HERE }));
    expect(await attach(url, `${another.cert}\n${authority.cert}`)).toBe('the run has ended');
  });

  it('refuses it without ca', async () => {
    expect(await refusal({ subjectAltName: HERE }, undefined)).toMatch(/not trusted here.*with ca$/);
  });

  it('refuses it with the certificate of another authority', async () => {
    expect(await refusal({ subjectAltName: HERE }, another.cert)).toMatch(/not trusted here.*with ca$/);
  });

  it('refuses one that is made out to another name', async () => {
    const message = await refusal({ subjectAltName: 'DNS:trainer.example' }, authority.cert);
    expect(message).toMatch(/not trusted here.*does not match.*use a name in the URL/);
  });

  it('refuses one that has expired', async () => {
    const dates = { notBefore: '20200101000000Z', notAfter: '20200201000000Z' };
    const message = await refusal({ subjectAltName: HERE, ...dates }, authority.cert);
    expect(message).toMatch(/expired.*the coordinator needs a new one/);
  });

  it('refuses one that is not valid yet', async () => {
    const dates = { notBefore: '20900101000000Z', notAfter: '20910101000000Z' };
    const message = await refusal({ subjectAltName: HERE, ...dates }, authority.cert);
    expect(message).toMatch(/not yet valid.*clock/);
  });

  it('refuses a self-signed one that it was not told to trust, and takes it when told', async () => {
    const certificate = selfSignedCertificate()!;
    const { url } = await coordinator(certificate);
    await rejectionOf('E_REFUSED', attach(url));
    await rejectionOf('E_REFUSED', attach(url, another.cert));
    expect(await attach(url, certificate.cert)).toBe('the run has ended');
  });

  it('checks all the same where NODE_TLS_REJECT_UNAUTHORIZED says not to', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(await refusal({ subjectAltName: HERE }, undefined)).toMatch(/not trusted here/);
  });
});
