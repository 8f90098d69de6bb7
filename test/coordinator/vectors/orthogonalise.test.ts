import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { orthogonalise } from '../../../src/coordinator/vectors/orthogonalise.js';

interface Golden {
  readonly rows: number;
  readonly columns: number;
  readonly orthogonal: readonly number[];
}

const { cases } = JSON.parse(readFileSync(new URL('../../golden/muon.json', import.meta.url), 'utf8')) as {
  readonly cases: readonly Golden[];
};

/** As in test/golden/muon.py. */
const waves = (count: number): Float32Array =>
  Float32Array.from(
    { length: count },
    (_, index) => Math.sin(0.7 * (index + 1)) + Math.cos(0.013 * index * index),
  );

describe('a matrix made orthogonal', () => {
  it.each(cases)('is that of NumPy in float64, of $rows x $columns', ({ rows, columns, orthogonal }) => {
    const found = orthogonalise(waves(rows * columns), rows, columns);
    const worst = Math.max(...found.map((value, index) => Math.abs(value - orthogonal[index]!)));
    expect(worst).toBeLessThan(2e-4);
  });
});
