import { describe, expect, it } from 'vitest';
import { Shares } from '../../../src/coordinator/run/shares.js';

describe('shares of an epoch', () => {
  it('are added by node, the largest first, and begin anew when taken', () => {
    const shares = new Shares();
    shares.add('a', 3);
    shares.add('__proto__', 5);
    shares.add('a', 4);
    expect(shares.take()).toEqual([
      { node: 'a', samples: 7 },
      { node: '__proto__', samples: 5 },
    ]);
    expect(shares.take()).toEqual([]);
  });

  it('name no more nodes than fit into a line, and lose no samples', () => {
    const shares = new Shares();
    for (let node = 0; node < 1000; node++) shares.add(`node ${node}`, 1);
    const taken = shares.take();
    expect(taken).toHaveLength(65);
    expect(taken[0]).toEqual({ node: '(others)', samples: 1000 - 64 });
  });
});
