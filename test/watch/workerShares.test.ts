import { describe, expect, it } from 'vitest';
import { WorkerShares } from '../../src/watch/folders/workerShares.js';

function sharesOf(...lines: readonly object[]): WorkerShares {
  const shares = new WorkerShares();
  for (const line of lines) shares.add(line as Record<string, unknown>);
  return shares;
}

const joined = (node: string, workersNow: number): object => {
  const known = { engine: 'simd', device: 'a cpu', numericsClass: 'simd/1', threads: 2 };
  return { event: 'worker-joined', node, ...known, workersNow };
};
const epoch = (...workers: readonly (readonly [string, number])[]): object => ({
  event: 'epoch',
  workers: workers.map(([node, samples]) => ({ node, samples })),
});

describe('the workers of a run', () => {
  it('have shares of all samples, the largest first', () => {
    const list = sharesOf(
      joined('a', 2),
      joined('b', 4),
      epoch(['a', 10], ['b', 20]),
      epoch(['b', 10]),
    ).list();
    expect(list).toMatchObject([
      { node: 'b', isAttached: true, samples: 30, share: 0.75, threads: 2, engine: 'simd' },
      { node: 'a', isAttached: true, samples: 10, share: 0.25 },
    ]);
  });

  it('are gone when they leave, when the run ends, and when another process begins', () => {
    const attached = (shares: WorkerShares): readonly string[] =>
      shares.list().flatMap(({ node, isAttached }) => (isAttached ? [node] : []));
    const left = { event: 'worker-left', node: 'a' };
    expect(attached(sharesOf(joined('a', 2), joined('b', 4), left))).toEqual(['b']);
    expect(attached(sharesOf(joined('a', 2), { event: 'run-finished' }))).toEqual([]);
    // The process of a and b was killed: the first to join after it is alone.
    expect(attached(sharesOf(joined('a', 2), joined('b', 4), joined('c', 2)))).toEqual(['c']);
    expect(attached(sharesOf(joined('a', 2), joined('a', 4), left))).toEqual(['a']);
  });

  it('are of any number, and of any name', () => {
    const many = Array.from({ length: 1000 }, (_, node) => joined(`node ${node}`, 2 * node + 2));
    const list = sharesOf(...many, epoch(['__proto__', 1], ['another', 1])).list();
    expect(list).toHaveLength(201);
    expect(list[0]).toMatchObject({ node: '(others)', samples: 2, share: 1 });
  });

  it('are none where the lines hold something else', () => {
    const lines = [
      { event: 'epoch', workers: 'all' },
      { event: 'epoch', workers: [null, { node: 7, samples: 3 }, { node: 'a', samples: 'many' }] },
      { event: 'worker-joined', node: null },
    ];
    expect(sharesOf(...lines).list()).toMatchObject([{ node: 'a', samples: 0, share: null, engine: null }]);
  });
});
