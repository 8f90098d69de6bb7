import { describe, expect, it } from 'vitest';
import { Conduct, ConductBook } from '../../../src/coordinator/fleet/nodeReputation.js';

const times = <T>(count: number, action: () => T): T[] => Array.from({ length: count }, action);

describe('what a node does wrong', () => {
  it('is forgiven up to a point, and then named as the reason', () => {
    const one = new Conduct();
    expect(times(3, () => one.failed('out of memory', 1))).toEqual([
      undefined,
      undefined,
      'it failed 3 times in a row: out of memory',
    ]);
    const many = new Conduct();
    expect(times(11, () => many.failed('out of memory', 4))).toEqual(times(11, () => undefined));
    expect(many.failed('out of memory', 4)).toMatch(/12 times/);
    const two = new Conduct();
    expect(times(3, () => two.contradicted()).at(-1)).toMatch(/^3 of its results were not finite/);
    const three = new Conduct();
    expect(times(3, () => three.sentBadFrame('no msgpack')).at(-1)).toMatch(/broke the protocol.*no msgpack/);
    const four = new Conduct();
    expect(times(15, () => four.strayed())).toEqual(times(15, () => undefined));
    expect(four.strayed()).toMatch(/not asked for/);
  });

  it('by failing is forgotten with the next answer; what others contradict only after very many', () => {
    const conduct = new Conduct();
    times(2, () => conduct.failed('x', 1));
    times(2, () => conduct.contradicted());
    conduct.answered();
    expect(times(2, () => conduct.failed('x', 1))).toEqual([undefined, undefined]);
    expect(conduct.contradicted()).toBeDefined();
    times(999, () => conduct.answered());
    expect(conduct.contradicted()).toBeDefined();
    times(1000, () => conduct.answered());
    expect(conduct.contradicted()).toBeUndefined();
  });
});

describe('the book of conduct', () => {
  it('knows a node over its connections by its secret', () => {
    const book = new ConductBook();
    const before = book.of('a secret');
    expect(book.of('another')).not.toBe(before);
    expect(book.of('a secret')).toBe(before);
  });

  it('does not grow without end: what the oldest did is forgotten', () => {
    const book = new ConductBook();
    const oldest = book.of('the first');
    const kept = book.of('one that comes back');
    for (let node = 0; node < 4095; node++) {
      book.of(`secret ${node}`);
      if (node === 2000) book.of('one that comes back');
    }
    expect(book.of('one that comes back')).toBe(kept);
    expect(book.of('the first')).not.toBe(oldest);
  });
});
