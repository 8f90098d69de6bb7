/** Certificates and keys as users give them: what is wrong with them is said before anything is started. */

import { X509Certificate } from 'node:crypto';
import { describeError } from '../foundation/errors.js';
import { advice, OptionError } from '../foundation/options/optionError.js';
import type { OptionReference, Remedy } from '../foundation/options/optionError.js';

/** What a server shows to those that connect by TLS. PEM. */
export interface Tls {
  /** The chain. */
  readonly cert: string;
  /** The private key of its first certificate. */
  readonly key: string;
}

/**
 * Node passes over what is no certificate, and then trusts nobody without saying why.
 * @param from what gave it, for the message
 * @throws OptionError
 */
export function authorityFrom(pem: string, from: OptionReference, remedies: readonly Remedy[] = []): string {
  try {
    new X509Certificate(pem);
    return pem;
  } catch (error) {
    throw new OptionError(
      [from, ` must be a certificate in PEM (-----BEGIN CERTIFICATE-----): ${describeError(error)}`],
      remedies,
    );
  }
}

interface GivenTls<Source> {
  readonly cert: Source | undefined;
  readonly key: Source | undefined;
  readonly insecure: boolean;
}

/**
 * @param read the PEM of what was given
 * @returns undefined for a connection without TLS
 * @throws OptionError for one half alone, or for the word that none is wanted
 */
export function tlsFrom<Source>(
  { cert, key, insecure }: GivenTls<Source>,
  read: (source: Source, option: 'tlsCert' | 'tlsKey') => string,
): Tls | undefined {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    throw new OptionError(
      ['TLS needs both ', { option: 'tlsCert' }, ' and ', { option: 'tlsKey' }],
      [advice('give both, or neither')],
    );
  }
  if (insecure) {
    throw new OptionError(
      [
        { option: 'insecure', value: true },
        ' contradicts ',
        { option: 'tlsCert' },
        ', which protects the connection',
      ],
      [advice('leave one of them out')],
    );
  }
  return { cert: read(cert, 'tlsCert'), key: read(key, 'tlsKey') };
}
