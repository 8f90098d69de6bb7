/**
 * The kinds of value that an option takes. The same bounds hold for a flag, a config file, a checkpoint and a program
 * that uses the library: each of them asks this file and words the answer for its reader.
 */

import { didYouMean } from '../suggest.js';

export type ValueKind =
  /** With `orNone`, null stands for "no limit"; users write it `none`. */
  | { readonly kind: 'integer'; readonly min: number; readonly max?: number; readonly orNone?: boolean }
  | {
      readonly kind: 'number';
      readonly min?: number;
      readonly above?: number;
      readonly below?: number;
      /** In the plural, for messages. */
      readonly unit?: string;
    }
  | { readonly kind: 'integers'; readonly min: number }
  /** With `also`, texts of another form besides the words. */
  | { readonly kind: 'choice'; readonly of: readonly string[]; readonly also?: TextForm }
  | { readonly kind: 'text'; readonly form?: TextForm }
  | { readonly kind: 'switch' };

/** A rule for texts beyond "not empty". */
export interface TextForm {
  readonly matches: (text: string) => boolean;
  /** As in "must be …". */
  readonly rule: string;
  /** The same about one text, where more can be said of it. */
  readonly ruleFor?: (text: string) => string;
}

export type OptionValue = number | string | boolean | readonly number[] | null;

export type Reading = { readonly value: OptionValue } | { readonly rule: string };

/** Reads what a user wrote: a text of the command line, or a JSON value, in which a number may be written as a text. */
export function readValue(raw: unknown, kind: ValueKind): Reading {
  const value = fromText(raw, kind);
  return isAllowed(value, kind) ? { value } : { rule: ruleFor(value, kind) };
}

/**
 * Checks a value of a program or a checkpoint, which has its type already.
 * @returns the rule that it breaks, as in "must be …"; undefined if it is allowed
 */
export function brokenRule(value: unknown, kind: ValueKind): string | undefined {
  return isAllowed(value, kind) ? undefined : ruleFor(value, kind);
}

/** The whole rule, for the reference. */
export function describeKind(kind: ValueKind): string {
  return ruleFor(undefined, kind);
}

/** A value as users write it. A program without types may give anything. */
export function valueText(value: OptionValue): string {
  if (value === null) return 'none';
  return Array.isArray(value) ? value.map(anyText).join(',') : anyText(value);
}

/** Not all objects can be made a text. */
function anyText(value: OptionValue | object): string {
  return typeof value === 'object' || typeof value === 'function'
    ? `of type ${typeName(value)}`
    : String(value);
}

/** Such as `Date`, to name a value of a wrong type. */
export function typeName(value: object | null): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1);
}

function isAllowed(value: unknown, kind: ValueKind): value is OptionValue {
  switch (kind.kind) {
    case 'integer':
      return (value === null && kind.orNone === true) || isIntegerFrom(value, kind.min, kind.max);
    case 'number': {
      const { min = -Infinity, above = -Infinity, below = Infinity } = kind;
      return Number.isFinite(value) && isNumber(value) && value >= min && value > above && value < below;
    }
    case 'integers':
      return (
        Array.isArray(value) &&
        value.length > 0 &&
        value.every(
          (each, index) => isIntegerFrom(each, kind.min) && (index === 0 || each > Number(value[index - 1])),
        )
      );
    case 'choice':
      return (
        typeof value === 'string' &&
        (kind.of.includes(value) || (isText(value) && kind.also?.matches(value) === true))
      );
    case 'text':
      return isText(value) && (kind.form?.matches(value) ?? true);
    case 'switch':
      return typeof value === 'boolean';
  }
}

function ruleFor(value: unknown, kind: ValueKind): string {
  switch (kind.kind) {
    case 'integer': {
      const { min, max, orNone } = kind;
      // The largest safe integer is worth naming only to someone who exceeds it.
      const exceeds = typeof value === 'number' && value > Number.MAX_SAFE_INTEGER;
      const bound = max ?? (exceeds ? Number.MAX_SAFE_INTEGER : undefined);
      const range = bound === undefined ? `of at least ${min}` : `from ${min} to ${bound}`;
      return `an integer ${range}${orNone === true ? ', or none' : ''}`;
    }
    case 'number':
      return numberRule(kind, value === Infinity || value === -Infinity);
    case 'integers':
      return `ascending integers of at least ${kind.min}, separated by commas`;
    case 'choice':
      return choiceRule(value, kind);
    case 'text':
      return textRule(value, kind.form);
    case 'switch':
      return 'true or false';
  }
}

function choiceRule(value: unknown, { of, also }: Extract<ValueKind, { kind: 'choice' }>): string {
  const rule = `one of ${of.join(', ')}${also === undefined ? '' : `, or ${also.rule}`}`;
  return isText(value) ? rule + didYouMean(value, of) : rule;
}

/** No path and no header can hold it. */
const NUL = '\0';

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && !value.includes(NUL);
}

function textRule(value: unknown, form: TextForm | undefined): string {
  if (typeof value === 'string' && value.includes(NUL)) return 'a text without the character NUL';
  const closer = isText(value) ? form?.ruleFor?.(value) : undefined;
  return closer ?? form?.rule ?? 'a non-empty text';
}

function numberRule(
  { min, above, below, unit }: Extract<ValueKind, { kind: 'number' }>,
  isInfinite: boolean,
): string {
  const rules = [
    above === undefined ? undefined : `above ${above}`,
    min === undefined ? undefined : `at least ${min}`,
    below === undefined ? undefined : `below ${below}`,
  ].filter((rule) => rule !== undefined);
  const what = unit === undefined ? 'number' : `number of ${unit}`;
  return `a ${isInfinite ? 'finite ' : ''}${what} ${rules.join(' and ')}`;
}

/** @returns NaN for a text that should be a number and is none */
function fromText(raw: unknown, kind: ValueKind): unknown {
  if (kind.kind === 'integers') {
    const parts: unknown = typeof raw === 'string' ? raw.split(',') : raw;
    return Array.isArray(parts) ? parts.map(toNumber) : parts;
  }
  if (kind.kind !== 'integer' && kind.kind !== 'number') return raw;
  return raw === 'none' && kind.kind === 'integer' && kind.orNone === true ? null : toNumber(raw);
}

function toNumber(raw: unknown): unknown {
  if (typeof raw !== 'string') return raw;
  if (/^[+-]?inf(inity)?$/i.test(raw.trim())) return raw.trim().startsWith('-') ? -Infinity : Infinity;
  // Number('') is 0 and Number('0x10') is 16: only plain decimal notation is accepted.
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(raw.trim()) ? Number(raw) : NaN;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

function isIntegerFrom(value: unknown, min: number, max = Number.MAX_SAFE_INTEGER): value is number {
  return isNumber(value) && Number.isInteger(value) && value >= min && value <= max;
}
