import { describe, expect, it } from 'vitest';
import { NodeReputation, NodeReputations } from '../../../src/coordinator/fleet/nodeReputation.js';

const times = <T>(count: number, action: () => T): T[] => Array.from({ length: count }, action);

describe('what a node does wrong', () => {
  it('is forgiven up to a point, and then named as the reason', () => {
    const one = new NodeReputation();
    expect(times(3, () => one.failed('out of memory', 1))).toEqual([
      undefined,
      undefined,
      'it failed 3 times in a row: out of memory',
    ]);
    const many = new NodeReputation();
    expect(times(11, () => many.failed('out of memory', 4))).toEqual(times(11, () => undefined));
    expect(many.failed('out of memory', 4)).toMatch(/12 times/);
    const two = new NodeReputation();
    expect(times(3, () => two.contradicted()).at(-1)).toMatch(/^3 of its results were not finite/);
    const three = new NodeReputation();
    expect(times(3, () => three.sentBadFrame('no msgpack')).at(-1)).toMatch(/3 invalid frames.*no msgpack/);
    const four = new NodeReputation();
    expect(times(15, () => four.answeredUnasked())).toEqual(times(15, () => undefined));
    expect(four.answeredUnasked()).toMatch(/not given/);
  });

  it('by failing is forgotten with the next answer; what others contradict only after very many', () => {
    const reputation = new NodeReputation();
    times(2, () => reputation.failed('x', 1));
    times(2, () => reputation.contradicted());
    reputation.answered();
    expect(times(2, () => reputation.failed('x', 1))).toEqual([undefined, undefined]);
    expect(reputation.contradicted()).toBeDefined();
    times(999, () => reputation.answered());
    expect(reputation.contradicted()).toBeDefined();
    times(1000, () => reputation.answered());
    expect(reputation.contradicted()).toBeUndefined();
  });
});

describe('the records of all nodes', () => {
  it('knows a node over its connections by its secret', () => {
    const records = new NodeReputations();
    const before = records.of('a secret');
    expect(records.of('another')).not.toBe(before);
    expect(records.of('a secret')).toBe(before);
  });

  it('does not grow without end: what the oldest did is forgotten', () => {
    const records = new NodeReputations();
    const oldest = records.of('the first');
    const kept = records.of('one that comes back');
    for (let node = 0; node < 4095; node++) {
      records.of(`secret ${node}`);
      if (node === 2000) records.of('one that comes back');
    }
    expect(records.of('one that comes back')).toBe(kept);
    expect(records.of('the first')).not.toBe(oldest);
  });
});
