/** Checks of what has no entry in the table of options. */

import { X509Certificate } from 'node:crypto';
import { describeError, LockstepError } from '../foundation/errors.js';

/** @throws LockstepError E_OPTION */
export function checkToken(token: string | undefined): void {
  if (token === undefined || /^[\x21-\x7e]+$/.test(token)) return;
  throw new LockstepError(
    'E_OPTION',
    'token must be one word of printable ASCII, not empty; for example randomBytes(24).toString("hex")',
  );
}

/**
 * Node passes over what is no certificate, and then trusts nobody without saying why.
 * @throws LockstepError E_OPTION
 */
export function checkAuthority(ca: string | undefined): void {
  if (ca === undefined) return;
  try {
    new X509Certificate(ca);
  } catch (error) {
    throw new LockstepError(
      'E_OPTION',
      `ca must be a certificate in PEM (-----BEGIN CERTIFICATE-----), not the name of its file: ${describeError(error)}`,
    );
  }
}

/** @throws LockstepError E_OPTION */
export function proxyUrl(proxy: string | URL | undefined): URL | undefined {
  if (proxy === undefined) return undefined;
  const text = String(proxy);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.hostname !== '') return url;
  throw new LockstepError(
    'E_OPTION',
    `proxy ${text} must be the URL of an HTTP proxy; for example http://proxy.example:3128`,
  );
}

/** @throws LockstepError E_OPTION */
export function checkDuration(key: string, durationMs: number | undefined): void {
  if (durationMs === undefined || (Number.isFinite(durationMs) && durationMs >= 0)) return;
  throw new LockstepError(
    'E_OPTION',
    `${key} ${String(durationMs)} must be a number of milliseconds of at least 0; for example 600000`,
  );
}

/** @throws LockstepError E_OPTION */
export function checkFolder(key: string, folder: unknown): void {
  if (folder === undefined || (typeof folder === 'string' && folder !== '')) return;
  throw new LockstepError('E_OPTION', `${key} ${JSON.stringify(folder)} must be the path of a folder`);
}
