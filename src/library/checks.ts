/** Checks of what has no entry in the table of options. */

import { X509Certificate } from 'node:crypto';
import { describeError, LockstepError } from '../foundation/errors.js';
import type { OptionDefinition } from '../foundation/options/definition.js';
import { brokenRule } from '../foundation/options/kind.js';
import type { ValueKind } from '../foundation/options/kind.js';
import { checkValue, isTokenText, splitAddress } from '../session/index.js';

/** @throws LockstepError E_OPTION */
export function checkToken(token: string | undefined): void {
  if (token === undefined || isTokenText(token)) return;
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

/** @throws LockstepError E_OPTION */
export function checkPort(port: unknown): void {
  checkValue('port', port, { kind: 'integer', min: 0, max: 65535 }, '7070');
}

const HOST: ValueKind = {
  kind: 'text',
  form: {
    matches: (host) => splitAddress(addressText(host, 0)) !== undefined,
    rule: 'a host name or an IP address, without a port',
  },
};

/** @throws LockstepError E_OPTION */
export function checkHost(host: unknown): void {
  checkValue('host', host, HOST, '127.0.0.1');
}

export function addressText(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * A duration that the command line has in seconds.
 * @throws LockstepError E_OPTION, in milliseconds
 */
export function checkMilliseconds(
  key: string,
  durationMs: number | undefined,
  { kind, default: seconds }: OptionDefinition<number, number>,
): void {
  if (durationMs === undefined || kind.kind !== 'number') return;
  const bounds = Object.entries(kind).map(([name, bound]) => [
    name,
    name === 'kind' ? bound : 1000 * Number(bound),
  ]);
  const rule = brokenRule(durationMs, Object.fromEntries(bounds) as ValueKind);
  if (rule === undefined) return;
  throw new LockstepError(
    'E_OPTION',
    `${key} ${String(durationMs)} must be ${rule.replace('number', 'number of milliseconds')}; for example ${key}: ${1000 * Number(seconds)}`,
  );
}
