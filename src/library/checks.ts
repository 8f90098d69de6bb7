/** Checks of what has no entry in the table of options. */

import { LockstepError } from '../foundation/errors.js';
import { isRecord } from '../foundation/isRecord.js';
import type { ValueKind } from '../foundation/options/kind.js';
import { advice, OptionError } from '../foundation/options/optionError.js';
import {
  authorityFrom,
  checkValue,
  isTokenText,
  shownValue,
  splitAddress,
  tlsFrom,
} from '../session/index.js';
import type { Tls } from '../session/index.js';

/** @throws LockstepError E_OPTION */
export function checkToken(token: unknown, name: 'token' | 'uiToken' | 'joinToken' = 'token'): void {
  if (token === undefined || (typeof token === 'string' && isTokenText(token))) return;
  throw new LockstepError(
    'E_OPTION',
    `${name} must be one word of printable ASCII, not empty; for example randomBytes(24).toString("hex")`,
  );
}

/** @throws OptionError */
export function checkAuthority(ca: string | undefined): void {
  if (ca === undefined) return;
  const from = { option: 'ca' };
  authorityFrom(ca, from, [advice('give the content of the file, not its name')]);
}

/** PEM of a program's `tls`. @throws LockstepError E_OPTION */
export function tlsOf(tls: unknown, insecure: boolean): Tls | undefined {
  if (tls === undefined) return undefined;
  if (!isRecord(tls)) throw new LockstepError('E_OPTION', 'tls must be { cert, key }, both PEM');
  refuseUnknownKeys('tls', tls, ['cert', 'key']);
  const pem = tlsFrom({ cert: tls['cert'], key: tls['key'], insecure }, (text, option) => {
    if (typeof text === 'string' && text.includes('-----BEGIN')) return text;
    throw new OptionError(
      [{ option }, ' must be PEM, which begins with -----BEGIN'],
      [advice('give the content of the file, not its name')],
    );
  });
  if (pem) return pem;
  throw new LockstepError('E_OPTION', 'tls must hold cert and key, both PEM; give both, or leave tls out');
}

/** @throws LockstepError E_OPTION for a key that nobody would read */
export function refuseUnknownKeys(what: string, given: object, known: readonly string[]): void {
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw new LockstepError('E_OPTION', `"${unknown}" is not a key of ${what}, which has ${known.join(', ')}`);
}

/** What the compiler does not see in a program without types. @throws LockstepError E_OPTION */
export function refuseUnknown(options: unknown, known: readonly string[]): void {
  if (!isRecord(options)) {
    throw new LockstepError('E_OPTION', `the options must be one object, with ${known.join(', ')}`);
  }
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new LockstepError('E_OPTION', `"${unknown}" is not an option here; it takes ${known.join(', ')}`);
  }
  for (const [key, value] of Object.entries(options)) refuseWrongType(key, value);
}

/** Of what no definition describes. */
const PATHS: readonly string[] = ['runDir', 'resume', 'dataDir', 'cacheDir', 'checkpoint'];
const SWITCHES: readonly string[] = ['test'];

function refuseWrongType(key: string, value: unknown): void {
  if (value === undefined) return;
  if (PATHS.includes(key)) checkPath(key, value);
  if (SWITCHES.includes(key)) checkValue(key, value, { kind: 'switch' }, 'true');
  if (key === 'signal' && !(value instanceof AbortSignal)) {
    throw new LockstepError(
      'E_OPTION',
      'signal must be an AbortSignal; for example new AbortController().signal',
    );
  }
  if (/^on[A-Z]/.test(key) && typeof value !== 'function') {
    throw new LockstepError('E_OPTION', `${key} must be a function; leave it out, or give one`);
  }
}

/** @throws LockstepError E_OPTION */
export function proxyUrl(proxy: string | URL | undefined): URL | undefined {
  if (proxy === undefined) return undefined;
  const text = urlText('proxy', proxy, 'http://proxy.example:3128');
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.hostname !== '') return url;
  throw new LockstepError(
    'E_OPTION',
    `proxy ${text} must be the URL of an HTTP proxy; for example http://proxy.example:3128`,
  );
}

/** @throws LockstepError E_OPTION for what is neither a text nor a URL */
export function urlText(key: string, url: unknown, example: string): string {
  if (typeof url === 'string' || url instanceof URL) return String(url);
  throw new LockstepError(
    'E_OPTION',
    `${key} ${shownValue(url)} must be a text or a URL; for example ${JSON.stringify(example)}`,
  );
}

/** @throws LockstepError E_OPTION */
export function checkPath(key: string, path: unknown): void {
  checkValue(key, path, PATH, key === 'dataDir' ? 'data' : 'runs/first');
}

const PATH: ValueKind = {
  kind: 'text',
  form: { matches: () => true, rule: 'the path of a file or folder' },
};

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
