/** Which certificates a node trusts, and what it says of those that it does not. */

import { rootCertificates } from 'node:tls';
import { printable } from '../foundation/printable.js';

export interface TrustOptions {
  readonly rejectUnauthorized: true;
  readonly ca?: string[];
}

/**
 * Said outright, so that NODE_TLS_REJECT_UNAUTHORIZED in some forgotten profile does not turn the check off.
 * @param ca PEM of a private authority; Node would take it *instead of* the public ones
 */
export function trustOptions(ca: string | undefined): TrustOptions {
  return { rejectUnauthorized: true, ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }) };
}

/** Reasons for which OpenSSL and Node turn a certificate down; what they have in common is found in their names. */
const DISTRUST = /CERT|UNABLE_TO_VERIFY|SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE/;

/** @returns why the certificate is not trusted and what would help; undefined if the error is about something else */
export function distrustOf({ code = '', message }: NodeJS.ErrnoException): string | undefined {
  if (!DISTRUST.test(code)) return undefined;
  return `its certificate is not trusted here (${printable(message, 300)}); ${remedyFor(code)}`;
}

function remedyFor(code: string): string {
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return 'the coordinator needs a new one, or this machine’s clock is wrong';
    case 'CERT_NOT_YET_VALID':
      return 'one of the two clocks is wrong, or it was made for later';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'use a name in the URL that the certificate is made out to';
    default:
      return 'give its authority with --ca FILE';
  }
}
