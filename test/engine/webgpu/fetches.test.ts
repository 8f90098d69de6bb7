/** The loads of one workgroup, run as JavaScript: thread after thread. */

import { runInThisContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { declareFetches, fetchAll, fetchAndPut, putAll } from '../../../src/engine/webgpu/kernels/fetches.js';
import type { Fetches } from '../../../src/engine/webgpu/kernels/fetches.js';

type Thread = (
  thread: number,
  load: (index: number) => number,
  store: (index: number, value: number) => void,
) => void;

/** Turns the generated WGSL into JavaScript: only suffixes of numbers, `min` and the type of vectors differ. */
function runnable(wgsl: string): Thread {
  const script = wgsl
    .replaceAll(/(\d)u\b/g, '$1')
    .replaceAll('vec4f()', 'NaN')
    .replaceAll('min(', 'Math.min(');
  return runInThisContext(`(thread, load, store) => {${script}}`) as Thread;
}

const fetchesOf = (count: number, threads: number, mostTogether?: number): Fetches => ({
  ...{ name: 'loaded', type: 'vec4f', count, threads, mostTogether },
  statements: 'let twice = 2 * index;',
  value: 'load(twice / 2)',
  put: (value) => `store(index, ${value});`,
});

const inPieces = (fetches: Fetches): string =>
  [declareFetches(fetches), fetchAll(fetches), putAll(fetches)].join('\n');

describe('loads to workgroup memory', () => {
  it.each([
    ['in one go', 96, 32, 12, fetchAndPut],
    ['with a rest', 100, 32, 12, fetchAndPut],
    ['fewer than threads', 5, 32, 12, fetchAndPut],
    ['in rounds', 640, 32, 5, fetchAndPut],
    ['in rounds with a rest', 645, 32, 6, fetchAndPut],
    ['one by one', 97, 16, 1, fetchAndPut],
    ['as many together as usual', 333, 24, undefined, fetchAndPut],
    ['in pieces', 96, 32, undefined, inPieces],
    ['in pieces with a rest', 101, 32, undefined, inPieces],
  ])('store each vector once, and load none beyond the last: %s', (_, count, threads, together, write) => {
    const run = runnable(write(fetchesOf(count, threads, together)));
    const stored: number[] = [];
    for (let thread = 0; thread < threads; thread++) {
      run(
        thread,
        (index) => {
          expect(index).toBeLessThan(count);
          return index + 0.5;
        },
        (index, value) => {
          expect(value).toBe(index + 0.5);
          stored.push(index);
        },
      );
    }
    expect(stored.sort((one, other) => one - other)).toEqual(Array.from({ length: count }, (_, at) => at));
  });
});
