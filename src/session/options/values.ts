/** From the text of an option to its value, with errors that name the value, the rule and the remedy. */

import { isIPv6 } from 'node:net';
import { LockstepError } from '../../foundation/errors.js';

export type ValueKind =
  /** With `orNone`, the word `none` stands for null. */
  | { readonly kind: 'integer'; readonly min: number; readonly max?: number; readonly orNone?: boolean }
  | { readonly kind: 'number'; readonly min?: number; readonly above?: number; readonly below?: number }
  | { readonly kind: 'integers'; readonly min: number }
  | { readonly kind: 'choice'; readonly of: readonly string[] }
  | { readonly kind: 'address' }
  /** An address for others to call: the port may be left out. */
  | { readonly kind: 'advertised' }
  | { readonly kind: 'text' }
  | { readonly kind: 'switch' };

export type OptionValue = number | string | boolean | readonly number[] | null;

/**
 * @param flag as the user writes it, for messages
 * @param text from the command line
 * @throws LockstepError E_OPTION
 */
export function parseValue(flag: string, text: string, kind: ValueKind, example: string): OptionValue {
  const shown = /^\S+$/.test(text) ? text : JSON.stringify(text); // an empty one would not be seen
  return valueOf(text, kind, (rule) => `${flag} ${shown} must be ${rule}; for example ${flag} ${example}`);
}

/** The same as a function of the text alone, as commander calls it. */
export function valueParser(flag: string, kind: ValueKind, example: string): (text: string) => OptionValue {
  return (text) => parseValue(flag, text, kind, example);
}

/**
 * The same for a JSON value.
 * @param place the key as the user writes it, and the file that it stands in
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
      `"${key}" in ${file}: ${JSON.stringify(raw)} must be ${rule}; for example "${key}": ${jsonExample(kind, example)}`,
  );
}

/**
 * The same for a value that a program gives.
 * @throws LockstepError E_OPTION
 */
export function checkValue(key: string, raw: unknown, kind: ValueKind, example: string): OptionValue {
  const shown = JSON.stringify(raw);
  return valueOf(
    raw,
    kind,
    (rule) => `${key} ${shown} must be ${rule}; for example ${key}: ${jsonExample(kind, example)}`,
  );
}

function jsonExample({ kind }: ValueKind, example: string): string {
  if (kind === 'integers') return `[${example.replaceAll(',', ', ')}]`;
  return kind === 'integer' || kind === 'number' || kind === 'switch' ? example : JSON.stringify(example);
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

/** @param messageOf the message of the refusal, from the rule that is broken */
function valueOf(raw: unknown, kind: ValueKind, messageOf: (rule: string) => string): OptionValue {
  const refuse = (rule: string): never => {
    throw new LockstepError('E_OPTION', messageOf(rule));
  };
  switch (kind.kind) {
    case 'integer': {
      if (kind.orNone === true && raw === 'none') return null;
      const value = toNumber(raw);
      const max = kind.max ?? Number.MAX_SAFE_INTEGER;
      if (Number.isInteger(value) && value >= kind.min && value <= max) return value;
      return refuse(
        `an integer ${kind.max === undefined && !(value > max) ? `of at least ${kind.min}` : `from ${kind.min} to ${max}`}${kind.orNone === true ? ', or none' : ''}`,
      );
    }
    case 'number': {
      const value = toNumber(raw);
      const { min = -Infinity, above = -Infinity, below = Infinity } = kind;
      if (Number.isFinite(value) && value >= min && value > above && value < below) return value;
      return refuse(numberRule(kind));
    }
    case 'integers': {
      const parts: unknown[] = typeof raw === 'string' ? raw.split(',') : Array.isArray(raw) ? raw : [];
      const values = parts.map(toNumber);
      const ascending = values.every((value, index) => index === 0 || value > values[index - 1]!);
      if (
        values.length > 0 &&
        ascending &&
        values.every((value) => Number.isInteger(value) && value >= kind.min)
      ) {
        return values;
      }
      return refuse(`ascending integers of at least ${kind.min}, separated by commas`);
    }
    case 'choice':
      if (typeof raw === 'string' && kind.of.includes(raw)) return raw;
      return refuse(`one of ${kind.of.join(', ')}`);
    case 'address':
      if (typeof raw === 'string' && splitAddress(raw)) return raw;
      return refuse('HOST:PORT, the port from 0 to 65535');
    case 'advertised':
      if (typeof raw === 'string' && splitAdvertised(raw)) return raw;
      return refuse('HOST or HOST:PORT, the port from 1 to 65535');
    case 'text':
      return typeof raw === 'string' && raw.length > 0 ? raw : refuse('a text that is not empty');
    case 'switch':
      return typeof raw === 'boolean' ? raw : refuse('true or false');
  }
}

function toNumber(raw: unknown): number {
  if (typeof raw === 'number') return raw;
  // Number('') is 0 and Number('0x10') is 16: only plain decimal notation is meant.
  return typeof raw === 'string' && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(raw.trim())
    ? Number(raw)
    : NaN;
}

function numberRule({ min, above, below }: Extract<ValueKind, { kind: 'number' }>): string {
  const rules = [
    above === undefined ? undefined : `above ${above}`,
    min === undefined ? undefined : `at least ${min}`,
    below === undefined ? undefined : `below ${below}`,
  ].filter((rule) => rule !== undefined);
  return `a number ${rules.join(' and ')}`;
}
