import { X509Certificate } from 'node:crypto';
import { hostname, networkInterfaces } from 'node:os';
import { checkServerIdentity } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sentenceInFlags } from '../../src/cli/options/inFlags.js';
import { advertisedUrl, privateAuthorityOf } from '../../src/session/advertised.js';
import { selfSignedCertificate } from '../support/certificate.js';
import { CertificateAuthority, hasOpenssl } from '../support/certificateAuthority.js';

const OPEN = { port: 7070, cert: undefined, advertise: undefined };

function issued(subjectAltName: string): { readonly cert: string; readonly chain: string } {
  const authority = new CertificateAuthority('test authority');
  onTestFinished(() => authority.remove());
  const { cert } = authority.issue({ subjectAltName });
  return { cert, chain: cert + authority.cert };
}

/** Of IPv4, by which others may reach this machine. */
function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).flatMap(({ family, internal, address }) =>
      family === 'IPv4' && !internal ? [address] : [],
    ),
  );
}

describe('the URL to give to workers', () => {
  it('is what --advertise says, with the port of --listen unless it has its own', () => {
    const urlOf = (advertise: string): string => advertisedUrl({ ...OPEN, host: '0.0.0.0', advertise }).url;
    expect(urlOf('trainer.example')).toBe('ws://trainer.example:7070');
    expect(urlOf('trainer.example:443')).toBe('ws://trainer.example:443');
    expect(urlOf('[2001:db8::1]')).toBe('ws://[2001:db8::1]:7070');
  });

  it('is the address that it listens on, where others can call that', () => {
    for (const [host, url] of [
      ['127.0.0.1', 'ws://127.0.0.1:7070'],
      ['::1', 'ws://[::1]:7070'],
      ['trainer', 'ws://trainer:7070'],
    ] as const) {
      expect(advertisedUrl({ ...OPEN, host })).toEqual({ url, warning: undefined, byAddress: url });
    }
  });

  it.each(['0.0.0.0', '::', 'fe80::1%eth0'])('is the host’s name for %s, with a warning', (host) => {
    const { url, warning, byAddress } = advertisedUrl({ ...OPEN, host });
    expect(url).toBe(`ws://${hostname()}:7070`);
    const addresses = host.includes('%') ? [] : ownAddresses();
    expect([url, ...addresses.map((address) => `ws://${address}:7070`)]).toContain(byAddress);
    expect(byAddress === url).toBe(addresses.length === 0);
    expect(warning).toContainEqual({ option: 'advertise' });
  });
});

describe.skipIf(!hasOpenssl())('with TLS (skipped where openssl is missing), that URL', () => {
  it('holds a name that the certificate holds', () => {
    const { cert } = issued('DNS:*.example,DNS:trainer.example,IP:127.0.0.1');
    const urlOf = (host: string, advertise?: string): string =>
      advertisedUrl({ port: 7070, host, cert, advertise }).url;
    expect(urlOf('0.0.0.0')).toBe('wss://trainer.example:7070');
    expect(urlOf('127.0.0.1')).toBe('wss://127.0.0.1:7070');
    expect(urlOf('192.0.2.7')).toBe('wss://trainer.example:7070');
    expect(urlOf('0.0.0.0', 'other.example')).toBe('wss://other.example:7070');
  });

  it('may hold an IPv6 address, unless this Node refuses those in certificates, as 22.23.3 does', ({
    skip,
  }) => {
    const { cert } = issued('IP:2001:db8::7');
    const known = new X509Certificate(cert).toLegacyObject();
    if (checkServerIdentity('2001:db8::7', known) !== undefined) return skip();
    const { url, warning } = advertisedUrl({ ...OPEN, host: '::', cert });
    expect(new URL(url).host).toBe('[2001:db8::7]:7070');
    expect(warning).toBeUndefined();
  });

  it('comes with a warning if the certificate does not hold it', () => {
    const { cert } = issued('DNS:*.example');
    for (const advertise of [undefined, 'trainer.test']) {
      const { warning } = advertisedUrl({ ...OPEN, host: '0.0.0.0', cert, advertise });
      expect(sentenceInFlags(warning!)).toMatch(/certificate is not made out to .*--advertise/);
    }
  });
});

describe.skipIf(!hasOpenssl())('the authority that workers must be told to trust', () => {
  it('is in the file of a self-signed certificate or of a whole chain, and elsewhere for a lone one', () => {
    const { cert, chain } = issued('DNS:trainer.example');
    expect(privateAuthorityOf(cert)).toBe('elsewhere');
    expect(privateAuthorityOf(chain)).toBe('in-file');
    expect(privateAuthorityOf(selfSignedCertificate()!.cert)).toBe('in-file');
  });
});
