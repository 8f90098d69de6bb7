import { describe, expect, it } from 'vitest';
import { symmetricEigen } from '../../src/foundation/symmetricEigen.js';
import { hashedValues } from '../support/numbers.js';

describe('symmetricEigen', () => {
  it('finds what is known by hand', () => {
    const { values, vectors } = symmetricEigen(Float64Array.of(2, 1, 1, 2), 2);
    expect(values[0]).toBeCloseTo(3, 14);
    expect(values[1]).toBeCloseTo(1, 14);
    expect(Math.abs(vectors[0]!)).toBeCloseTo(Math.SQRT1_2, 14);
    expect(vectors[0]!).toBeCloseTo(vectors[1]!, 14);
    expect(vectors[2]!).toBeCloseTo(-vectors[3]!, 14);
  });

  it.each([1, 2, 5, 12, 27])('puts a matrix of %d rows together again', (n) => {
    const values = hashedValues(n * n, n);
    const matrix = Float64Array.from({ length: n * n }, (_, at) => {
      const [row, column] = [Math.floor(at / n), at % n];
      return values[Math.min(row, column) * n + Math.max(row, column)]!;
    });
    const eigen = symmetricEigen(matrix, n);
    for (let row = 0; row < n; row++) {
      for (let column = 0; column < n; column++) {
        let [sum, product] = [0, 0];
        for (let k = 0; k < n; k++) {
          sum += eigen.values[k]! * eigen.vectors[k * n + row]! * eigen.vectors[k * n + column]!;
          product += eigen.vectors[row * n + k]! * eigen.vectors[column * n + k]!;
        }
        expect(sum).toBeCloseTo(matrix[row * n + column]!, 12);
        expect(product).toBeCloseTo(row === column ? 1 : 0, 12);
      }
    }
    expect([...eigen.values]).toEqual([...eigen.values].sort((a, b) => b - a));
  });

  it('leaves a diagonal matrix as it is, sorted', () => {
    const { values, vectors } = symmetricEigen(Float64Array.of(1, 0, 0, 0, 5, 0, 0, 0, 3), 3);
    expect([...values]).toEqual([5, 3, 1]);
    expect([...vectors]).toEqual([0, 1, 0, 0, 0, 1, 1, 0, 0]);
  });
});
