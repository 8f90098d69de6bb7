import { describe, expect, it } from 'vitest';
import { Conduct, ConductBook } from '../../src/coordinator/conduct.js';

const times = <T>(count: number, action: () => T): T[] => Array.from({ length: count }, action);

function admitted(book: ConductBook, name: string, peer: string, nowMs = 0): Conduct {
  const admission = book.admission(name, peer, nowMs);
  if (admission.kind !== 'admitted') throw new Error(`${name} is ${admission.kind}: ${admission.reason}`);
  return admission.conduct;
}

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
  it('remembers a node over its connections, by name and host, whatever the port', () => {
    const book = new ConductBook();
    const before = admitted(book, 'gpu-1', '192.0.2.7:50000');
    expect(admitted(book, 'gpu-1', '192.0.2.7:50001')).toBe(before);
    expect(admitted(book, 'gpu-2', '192.0.2.7:50002')).not.toBe(before);
    expect(admitted(book, 'gpu-1', '192.0.2.8:50003')).not.toBe(before);
  });

  it('does not admit again whoever was refused, and says why; others of its host may come', () => {
    const book = new ConductBook();
    book.refuse(admitted(book, 'gpu-1', '::1:50000'), '::1:50000', 'a gradient of 3 bytes', 0);
    expect(book.admission('gpu-1', '::1:50001', 1e9)).toEqual({
      kind: 'refused',
      reason: 'it was refused before in this run: a gradient of 3 bytes',
    });
    admitted(book, 'gpu-2', '::1:50002', 1);
  });

  it('puts a host off that comes back under new names, for longer and longer, and never for good', () => {
    const book = new ConductBook();
    const pausesMs: number[] = [];
    let nowMs = 0;
    for (let life = 0; life < 12; life++) {
      const peer = `192.0.2.7:${50000 + life}`;
      book.refuse(admitted(book, `host:${life}`, peer, nowMs), peer, 'no', nowMs);
      const beforeMs = nowMs;
      while (book.admission('another', '192.0.2.7:1', nowMs).kind === 'later') nowMs += 1000;
      pausesMs.push(nowMs - beforeMs);
      expect(book.admission('another', '192.0.2.8:1', beforeMs).kind).toBe('admitted');
    }
    expect(pausesMs.slice(0, 5)).toEqual([0, 10_000, 20_000, 40_000, 80_000]);
    expect(Math.max(...pausesMs)).toBe(600_000);
  });
});
