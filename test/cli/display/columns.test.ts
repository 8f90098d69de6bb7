import { describe, expect, it } from 'vitest';
import { cutToColumns } from '../../../src/cli/display/columns.js';

describe('cutToColumns', () => {
  it.each([
    ['abc', 3, 'abc'],
    ['abcd', 3, 'abc'],
    ['日本語', 6, '日本語'],
    ['日本語', 5, '日本'],
    ['a日本', 2, 'a'],
    ['cafe\u0301s', 4, 'cafe\u0301'], // a letter and its accent are one
    ['👩‍👩‍👧x', 2, '👩‍👩‍👧'],
    ['', 0, ''],
  ])('%j in %d columns is %j', (text, columns, kept) => {
    expect(cutToColumns(text, columns)).toBe(kept);
  });
});
