/**
 * The URL to give to workers, and what else their command needs. With TLS it must hold a name that the coordinator's own
 * certificate is made out to: workers refuse any other.
 */

import { X509Certificate } from 'node:crypto';
import { hostname, networkInterfaces } from 'node:os';
import { checkServerIdentity, rootCertificates } from 'node:tls';
import { hasZone, isUnspecified } from '../coordinator/index.js';
import type { Sentence } from '../foundation/options/optionError.js';
import { splitAdvertised } from './options/values.js';

export interface Listening {
  /** Which is listened on. */
  readonly host: string;
  readonly port: number;
  /** The certificate chain (PEM), with TLS. */
  readonly cert: string | undefined;
  /** By which workers are to reach it: HOST or HOST:PORT. */
  readonly advertise: string | undefined;
}

export interface Advertised {
  readonly url: string;
  /** Why workers may not come in by that URL, and what to do. */
  readonly warning: Sentence | undefined;
  /** The same by an address, where the URL holds a name that nobody has given: phones seldom know the names of machines. */
  readonly byAddress: string;
}

export function advertisedUrl({ host, port, cert, advertise }: Listening): Advertised {
  const chosen = advertise === undefined ? undefined : splitAdvertised(advertise);
  const fits = (name: string): boolean => cert === undefined || isMadeOutTo(cert, name);
  const isReachable = !isUnspecified(host) && !hasZone(host);
  const own = isReachable ? host : hostname();
  const name = chosen?.host ?? (fits(own) ? own : (namesOf(cert).find(fits) ?? own));
  const url = `${cert === undefined ? 'ws' : 'wss'}://${inUrl(name)}:${chosen?.port ?? port}`;
  if (!fits(name)) {
    const warning: Sentence = [
      `the certificate is not made out to ${name}, so workers will refuse ${url}; give a name that it holds with `,
      { option: 'advertise' },
      ', or another certificate with ',
      { option: 'tlsCert' },
    ];
    return { url, warning, byAddress: url };
  }
  const isGuess = chosen === undefined && !isReachable && cert === undefined;
  const warning: Sentence | undefined = isGuess
    ? [
        `${name} is this machine's own name; if the workers do not know it, give one that they know with `,
        { option: 'advertise' },
      ]
    : undefined;
  const address = isGuess && isUnspecified(host) ? ownAddress() : undefined;
  return { url, warning, byAddress: address === undefined ? url : `ws://${address}:${port}` };
}

/** By which other machines of the network are likely to reach this one. */
function ownAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
}

/** Whether a worker must be told what to trust: nobody trusts the certificate unasked. */
export type PrivateAuthority =
  /** The certificate file itself ends in the authority: workers can be given it. */
  | 'in-file'
  /** It is another file, which is not known here. */
  | 'elsewhere'
  | undefined;

export function privateAuthorityOf(cert: string): PrivateAuthority {
  const top = certificatesIn(cert).at(-1);
  if (!top) return undefined;
  const isPublic = rootCertificates.some((pem) => {
    const root = new X509Certificate(pem);
    return root.fingerprint256 === top.fingerprint256 || top.checkIssued(root);
  });
  if (isPublic) return undefined;
  return top.checkIssued(top) ? 'in-file' : 'elsewhere';
}

/** By the very rules that a worker goes by. */
function isMadeOutTo(cert: string, name: string): boolean {
  const [leaf] = certificatesIn(cert);
  return leaf !== undefined && checkServerIdentity(name, leaf.toLegacyObject()) === undefined;
}

/** Names and addresses in the certificate that a URL can hold; wildcards are none. */
function namesOf(cert: string | undefined): string[] {
  const [leaf] = cert === undefined ? [] : certificatesIn(cert);
  const alternatives = (leaf?.subjectAltName ?? '').split(', ');
  const names = alternatives.flatMap((entry) => /^DNS:([\w.-]+)$/.exec(entry)?.[1] ?? []);
  const addresses = alternatives.flatMap((entry) => /^IP Address:([\da-fA-F.:]+)$/.exec(entry)?.[1] ?? []);
  return [...names, ...addresses, /^CN=([\w.-]+)$/m.exec(leaf?.subject ?? '')?.[1] ?? ''].filter(Boolean);
}

function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

function inUrl(name: string): string {
  return name.includes(':') ? `[${name}]` : name;
}
