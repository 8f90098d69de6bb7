/** Which certificates a node trusts, and the message for those that it does not trust. */

import { rootCertificates } from 'node:tls';
import type { Sentence } from '../foundation/options/optionError.js';
import { printable } from '../foundation/printable.js';

export interface TrustOptions {
  readonly rejectUnauthorized: true;
  readonly ca?: string[];
}

/**
 * Sets `rejectUnauthorized`, so that NODE_TLS_REJECT_UNAUTHORIZED in the environment cannot turn the check off.
 * @param ca PEM of a private authority, trusted in addition to the public ones; Node alone would use it instead of them
 */
export function trustOptions(ca: string | undefined): TrustOptions {
  return { rejectUnauthorized: true, ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }) };
}

/** Matches the error codes with which OpenSSL and Node reject a certificate. */
const DISTRUST = /CERT|UNABLE_TO_VERIFY|SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE/;

/** @returns why the certificate is not trusted, and the remedy; undefined for any other error */
export function distrustOf({
  code = '',
  message,
}: NodeJS.ErrnoException): { readonly reason: string; readonly remedy: Sentence } | undefined {
  if (!DISTRUST.test(code)) return undefined;
  return {
    reason: `its certificate is not trusted here (${printable(message, 300)})`,
    remedy: remedyFor(code),
  };
}

function remedyFor(code: string): Sentence {
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return ['the coordinator needs a new one, or this machine’s clock is wrong'];
    case 'CERT_NOT_YET_VALID':
      return ['one of the two clocks is wrong, or it was made for later'];
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return ['use a name in the URL that the certificate is made out to'];
    default:
      return ['give its authority with ', { option: 'ca' }];
  }
}
