import { describe, expect, it } from 'vitest';
import { contributorsSchema, withContributor } from '../../../src/coordinator/run/contributors.js';
import type { Contributors } from '../../../src/coordinator/run/contributors.js';

const exact = { engine: 'simd', exact: true };
const names = (contributors: Contributors): string[] => Object.keys(contributors);

describe('withContributor', () => {
  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'simd'])(
    'notes a class named %s, which is still there after a checkpoint',
    (name) => {
      const noted = withContributor(withContributor({}, 'simd-fma', exact), name, exact);
      expect(names(noted)).toEqual(['simd-fma', name]);
      const read = contributorsSchema.parse(JSON.parse(JSON.stringify(noted)));
      expect(names(read)).toEqual(['simd-fma', name]);
      expect(withContributor(read, name, exact)).toBe(read);
    },
  );

  it('believes the node that does not promise exact bits', () => {
    const once = withContributor({}, 'simd', exact);
    const twice = withContributor(once, 'simd', { engine: 'odd', exact: false });
    expect(twice).toEqual({ simd: { engine: 'simd', exact: false } });
    expect(withContributor(twice, 'simd', exact)).toBe(twice);
  });

  it('does not grow without end, whatever names nodes invent', () => {
    let all: Contributors = {};
    for (let count = 0; count < 200; count++) all = withContributor(all, `class ${count}`, exact);
    expect(names(all)).toHaveLength(64);
  });
});

describe('the contributors of a checkpoint', () => {
  it.each([
    [null],
    [[]],
    ['simd'],
    [{ simd: null }],
    [{ simd: { engine: 'simd' } }],
    [{ simd: { ...exact, more: 1 } }],
  ])('are refused as %j', (value) => {
    expect(contributorsSchema.safeParse(value).success).toBe(false);
  });
});
