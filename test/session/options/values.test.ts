import { describe, expect, it } from 'vitest';
import { ADDRESS, parseJsonValue, parseValue, splitAddress } from '../../../src/session/options/values.js';
import type { ValueKind } from '../../../src/session/options/values.js';
import { thrownBy } from '../../support/errors.js';

/** Texts as of the command line, everything else as of a config file. */
const parse = (raw: unknown, kind: ValueKind): unknown =>
  typeof raw === 'string'
    ? parseValue('--flag', raw, kind, 'EXAMPLE')
    : parseJsonValue({ key: 'flag', file: 'FILE' }, raw, kind, 'EXAMPLE');

const INTEGER: ValueKind = { kind: 'integer', min: 1, max: 100 };
const NUMBER: ValueKind = { kind: 'number', min: 0, below: 1 };
const POSITIVE: ValueKind = { kind: 'number', above: 0 };
const LIST: ValueKind = { kind: 'integers', min: 1 };
const CHOICE: ValueKind = { kind: 'choice', of: ['one', 'two'] };

describe('parseValue', () => {
  it.each<[unknown, ValueKind, unknown]>([
    ['1', INTEGER, 1],
    ['100', INTEGER, 100],
    ['1e2', INTEGER, 100],
    [7, INTEGER, 7],
    [' 7 ', INTEGER, 7],
    ['+7', INTEGER, 7],
    ['0', NUMBER, 0],
    ['.5', NUMBER, 0.5],
    ['0.', NUMBER, 0],
    ['1e-4', POSITIVE, 1e-4],
    ['1E-4', POSITIVE, 1e-4],
    ['100,150', LIST, [100, 150]],
    ['5', LIST, [5]],
    [[1, 2, 3], LIST, [1, 2, 3]],
    ['two', CHOICE, 'two'],
    ['data', { kind: 'text' }, 'data'],
    ['[::1]:70', { kind: 'text', form: ADDRESS }, '[::1]:70'],
    [true, { kind: 'switch' }, true],
    [false, { kind: 'switch' }, false],
  ])('takes %j', (raw, kind, expected) => {
    expect(parse(raw, kind)).toEqual(expected);
  });

  it.each<[unknown, ValueKind]>([
    ['', INTEGER],
    ['0', INTEGER],
    ['101', INTEGER],
    ['1.5', INTEGER],
    ['0x10', INTEGER],
    ['1_000', INTEGER],
    ['ten', INTEGER],
    ['5 epochs', INTEGER],
    ['Infinity', INTEGER],
    [true, INTEGER],
    [null, INTEGER],
    [[5], INTEGER],
    ['9007199254740993', { kind: 'integer', min: 0 }],
    ['-0.1', NUMBER],
    ['1', NUMBER],
    ['0', POSITIVE],
    ['NaN', POSITIVE],
    ['1e999', POSITIVE],
    [Infinity, POSITIVE],
    ['', LIST],
    ['1,', LIST],
    ['2,1', LIST],
    ['1,1', LIST],
    ['0,1', LIST],
    ['1;2', LIST],
    [5, LIST],
    [[], LIST],
    ['three', CHOICE],
    ['One', CHOICE],
    [1, CHOICE],
    ['', { kind: 'text' }],
    [5, { kind: 'text' }],
    ['true', { kind: 'switch' }],
    [1, { kind: 'switch' }],
  ])('refuses %j for $kind', (raw, kind) => {
    thrownBy('E_OPTION', () => parse(raw, kind));
  });

  it.each<[unknown, ValueKind, RegExp]>([
    ['0', INTEGER, /--flag 0 must be an integer from 1 to 100; for example --flag EXAMPLE/],
    ['x', { kind: 'integer', min: 3 }, /--flag x must be an integer of at least 3/],
    ['2', NUMBER, /--flag 2 must be a number at least 0 and below 1/],
    ['0', POSITIVE, /--flag 0 must be a number above 0/],
    ['2,1', LIST, /--flag 2,1 must be ascending integers of at least 1, separated by commas/],
    ['three', CHOICE, /--flag three must be one of one, two/],
    ['onw', CHOICE, /--flag onw must be one of one, two \(did you mean one\?\); for example/],
    [{ a: 1 }, { kind: 'text' }, /"flag" in FILE: \{"a":1\} must be .*; for example "flag": "EXAMPLE"$/],
    [':1', { kind: 'text', form: ADDRESS }, /--flag :1 must be HOST:PORT/],
  ])('names the value, the rule and an example: %j', (raw, kind, message) => {
    expect(thrownBy('E_OPTION', () => parse(raw, kind)).message).toMatch(message);
  });
});

describe('parseJsonValue', () => {
  it.each<[ValueKind, string, string]>([
    [INTEGER, '100', '100'],
    [POSITIVE, '1e-4', '1e-4'],
    [LIST, '100,150', '[100, 150]'],
    [CHOICE, 'one', '"one"'],
    [{ kind: 'text' }, 'data', '"data"'],
    [{ kind: 'switch' }, 'false', 'false'],
    [{ kind: 'text', form: ADDRESS }, '127.0.0.1:7070', '"127.0.0.1:7070"'],
  ])('shows an example for %j that could stand in the file, and would be taken', (kind, example, shown) => {
    const place = { key: 'someKey', file: 'FILE' };
    const { message } = thrownBy('E_OPTION', () => parseJsonValue(place, {}, kind, example));
    const [, written] = message.split('; for example ');
    expect(written).toBe(`"someKey": ${shown}`);
    const { someKey } = JSON.parse(`{${written}}`) as { someKey: unknown };
    expect(parseJsonValue(place, someKey, kind, example)).toEqual(someKey);
  });

  it('takes a number that is written as a text, and a list likewise', () => {
    const place = { key: 'someKey', file: 'FILE' };
    expect(parseJsonValue(place, '0.5', NUMBER, '')).toBe(0.5);
    expect(parseJsonValue(place, '1,2', LIST, '')).toEqual([1, 2]);
  });
});

describe('splitAddress', () => {
  it.each([
    ['127.0.0.1:7070', '127.0.0.1', 7070],
    ['[::1]:0', '::1', 0],
    ['[::ffff:127.0.0.1]:1', '::ffff:127.0.0.1', 1],
    ['[fe80::1%eth0]:7070', 'fe80::1%eth0', 7070],
    ['trainer.example:65535', 'trainer.example', 65535],
  ])('%s', (text, host, port) => {
    expect(splitAddress(text)).toEqual({ host, port });
  });

  it.each(['', '7070', 'host:65536', '::1:7070', 'host:-1', '[host]:1', '[127.0.0.1]:1', '[::g]:1'])(
    'refuses %j',
    (text) => {
      expect(splitAddress(text)).toBeUndefined();
    },
  );
});
