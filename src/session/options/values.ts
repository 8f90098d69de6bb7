/** Reads the value of an option from a flag or a config file, with errors that name the value, the rule and an example. */

import { isIPv6 } from 'node:net';
import { LockstepError } from '../../foundation/errors.js';
import { brokenRule, readValue, typeName } from '../../foundation/options/kind.js';
import type { OptionValue, TextForm, ValueKind } from '../../foundation/options/kind.js';

export type { OptionValue, ValueKind } from '../../foundation/options/kind.js';

/** An address to listen on. */
export const ADDRESS: TextForm = {
  matches: (text) => splitAddress(text) !== undefined,
  rule: 'HOST:PORT, the port from 0 to 65535',
};

/** An address for others to call: the port may be left out. */
export const ADVERTISED: TextForm = {
  matches: (text) => splitAdvertised(text) !== undefined,
  rule: 'HOST or HOST:PORT, the port from 1 to 65535',
};

/** A service of the network. Secrets have no place in it: config.json holds it. */
export const SERVICE_URL: TextForm = {
  matches: (text) => {
    if (!URL.canParse(text)) return false;
    const { protocol, username, password, search, hash } = new URL(text);
    return /^https?:$/.test(protocol) && [username, password, search, hash].every((part) => part === '');
  },
  rule: 'an http:// or https:// address without user, password or query',
};

/**
 * @param flag as the user writes it, for messages
 * @param text from the command line
 * @throws LockstepError E_OPTION
 */
export function parseValue(flag: string, text: string, kind: ValueKind, example: string): OptionValue {
  const shown = /^\S+$/.test(text) ? text : JSON.stringify(text); // an empty one would not be seen
  return valueOf(text, kind, (rule) => `${flag} ${shown} must be ${rule}; for example ${flag} ${example}`);
}

/** For what has no definition: a shell makes an empty text of a variable that is not set. */
export function nonEmpty(flag: string, example: string): (text: string) => string {
  return (text) => String(parseValue(flag, text, { kind: 'text' }, example));
}

/** `parseValue` as a function of the text alone, as commander calls it. */
export function valueParser(flag: string, kind: ValueKind, example: string): (text: string) => OptionValue {
  return (text) => parseValue(flag, text, kind, example);
}

/**
 * The same for a JSON value.
 * @param place the key as the user writes it, and the file that contains it
 * @throws LockstepError E_OPTION
 */
export function parseJsonValue(
  place: { readonly key: string; readonly file: string },
  raw: unknown,
  kind: ValueKind,
  example: string,
): OptionValue {
  const { key, file } = place;
  return valueOf(
    raw,
    kind,
    (rule) =>
      `"${key}" in ${file}: ${typeof raw === 'number' ? raw : JSON.stringify(raw)} must be ${rule}; for example "${key}": ${jsonExample(kind, example)}${raw === null ? ', or leave it out' : ''}`,
  );
}

/**
 * The same for a value that a program gives.
 * @throws LockstepError E_OPTION
 */
export function checkValue(key: string, raw: unknown, kind: ValueKind, example: string): OptionValue {
  const rule = brokenRule(raw, kind); // a number as a text is for the command line and its files
  if (rule === undefined) return raw as OptionValue;
  throw new LockstepError(
    'E_OPTION',
    `${key} ${shownValue(raw)} must be ${rule}; for example ${key}: ${jsonExample(kind, example)}`,
  );
}

/** A value of a program, for a message: any there is. */
export function shownValue(raw: unknown): string {
  if (typeof raw === 'string') return JSON.stringify(raw);
  if (raw === null || typeof raw !== 'object') return String(raw); // JSON has no NaN
  return Array.isArray(raw) ? `[${raw.map(shownValue).join(', ')}]` : `of type ${typeName(raw)}`;
}

function jsonExample({ kind }: ValueKind, example: string): string {
  if (kind === 'integers') return `[${example.replaceAll(',', ', ')}]`;
  return kind === 'integer' || kind === 'number' || kind === 'switch' ? example : JSON.stringify(example);
}

/** @param messageOf the message of the refusal, from the rule that is broken */
function valueOf(raw: unknown, kind: ValueKind, messageOf: (rule: string) => string): OptionValue {
  const reading = readValue(raw, kind);
  if ('value' in reading) return reading.value;
  throw new LockstepError('E_OPTION', messageOf(reading.rule));
}

/** HOST and PORT of an address that is written `HOST:PORT`, or `[HOST]:PORT` for IPv6; undefined if it is not. */
export function splitAddress(text: string): { readonly host: string; readonly port: number } | undefined {
  const [, inBrackets, name, digits] = /^(?:\[(.+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  const host = inBrackets ?? name;
  if (host === undefined || port > 65535 || (inBrackets !== undefined && !isIPv6(inBrackets)))
    return undefined;
  return { host, port };
}

/** HOST, and PORT if there is one, of `HOST`, `HOST:PORT` or an IPv6 address in brackets; undefined for anything else. */
export function splitAdvertised(
  text: string,
): { readonly host: string; readonly port: number | undefined } | undefined {
  const [, inBrackets, name, digits] = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const port = digits === undefined ? undefined : Number(digits);
  const host = inBrackets ?? name;
  if (host === undefined || (inBrackets !== undefined && !isIPv6(inBrackets))) return undefined;
  return port === 0 || (port ?? 1) > 65535 ? undefined : { host, port };
}
