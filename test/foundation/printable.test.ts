import { describe, expect, it } from 'vitest';
import { printable, printableJson, printableLines } from '../../src/foundation/printable.js';

describe('printable', () => {
  it('leaves plain text of any script as it is', () => {
    for (const text of ['', 'node-1 (AMD EPYC™), 2×8', 'Grüße, 世界, עולם, 🚂', 'é combined'])
      expect(printable(text, 100)).toBe(text);
  });

  it.each<[string, string]>([
    ['a colour', '\u001b[31mred'],
    ['clearing the screen', '\u001b[2J\u001b[H'],
    ['a window title', '\u001b]0;owned\u0007'],
    ['a hyperlink', '\u001b]8;;http://example.com\u001b\\click\u001b]8;;\u001b\\'],
    ['a control sequence in one byte', '\u009b2J'],
    ['a line of its own', 'node\nweights sha256 0000'],
    ['overwriting the line', 'node\rlocal'],
    ['erasing', 'node\b\b\b\b\u007f'],
    ['a null', 'a\u0000b'],
    ['lines by other names', 'a\u2028b\u2029c\u0085d'],
    ['writing from the right', 'a\u202egnp.exe\u2066x\u2069\u200f'],
    ['half a character', 'a\ud83dz'],
  ])('takes out %s', (_what, text) => {
    const shown = printable(text, 100);
    expect(shown).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\u200f\ud83d]/);
    expect(shown).toContain('\ufffd');
    expect(shown.length).toBe(text.length);
  });

  it('cuts off what is too long, and never in the middle of a character', () => {
    expect(printable('x'.repeat(101), 100)).toBe(`${'x'.repeat(99)}…`);
    expect(printable('x'.repeat(100), 100)).toBe('x'.repeat(100));
    expect(printable('🚂'.repeat(60), 100)).toBe(`${'🚂'.repeat(49)}\ufffd…`);
  });
});

describe('printableLines', () => {
  it('keeps lines, and takes out what else steers a terminal', () => {
    expect(printableLines('one\ntwo\u001b[2J\r\u009b1m\u202e, 世界 🚂')).toBe('one\ntwo�[2J��1m�, 世界 🚂');
  });
});

describe('printableJson', () => {
  it('is one line without unprintable characters, and parses to the same value', () => {
    const value = { 'a\u009bname': ['\u001b]0;t\u0007', '\u202e\u2028\u007f\ufeff', '\ud83d', 'é 🚂', 1] };
    const text = printableJson(value);
    expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e\u2028\ufeff]/);
    expect(text).toContain('é 🚂');
    expect(JSON.parse(text)).toEqual(value);
  });
});
