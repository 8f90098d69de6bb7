/**
 * Eigenvalues and eigenvectors of a small symmetric matrix, by Jacobi's rotations (Golub and Van Loan, Matrix Computations,
 * section 8.5). Only additions, multiplications, divisions and square roots, each rounded as IEEE 754 says, in one order: the
 * same bits on every host, which libraries that use hypot or fused operations do not promise.
 */

const MOST_SWEEPS = 60;

export interface Eigen {
  /** Largest first, (n). */
  readonly values: Float64Array;
  /** One a row, of length 1, in the values' order, (n, n). The element of largest magnitude is positive. */
  readonly vectors: Float64Array;
}

/** @param matrix symmetric, (n, n) */
export function symmetricEigen(matrix: Float64Array, n: number): Eigen {
  const a = matrix.slice();
  const vectors = new Float64Array(n * n); // one a row
  for (let row = 0; row < n; row++) vectors[row * n + row] = 1;
  for (let sweep = 0; sweep < MOST_SWEEPS && offDiagonal(a, n) > 0; sweep++) {
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, vectors, { n, p, q });
  }
  const order = Array.from({ length: n }, (_, row) => row).sort((x, y) => a[y * n + y]! - a[x * n + x]!);
  return {
    values: Float64Array.from(order, (row) => a[row * n + row]!),
    vectors: Float64Array.from({ length: n * n }, (_, at) => {
      const row = order[Math.floor(at / n)]!;
      return signOf(vectors.subarray(row * n, (row + 1) * n)) * vectors[row * n + (at % n)]!;
    }),
  };
}

function offDiagonal(a: Float64Array, n: number): number {
  let sum = 0;
  for (let row = 0; row < n; row++)
    for (let column = row + 1; column < n; column++) sum += Math.abs(a[row * n + column]!);
  return sum;
}

/** Makes element (p, q) zero. */
function rotate(
  a: Float64Array,
  vectors: Float64Array,
  { n, p, q }: { n: number; p: number; q: number },
): void {
  const off = a[p * n + q]!;
  if (off === 0) return;
  const [app, aqq] = [a[p * n + p]!, a[q * n + q]!];
  if (Math.abs(off) < Number.EPSILON * 1e-3 * Math.sqrt(Math.abs(app) * Math.abs(aqq))) {
    a[p * n + q] = 0;
    a[q * n + p] = 0;
    return;
  }
  const theta = (aqq - app) / (2 * off);
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < n; k++) turn(a, k * n + p, k * n + q, c, s);
  for (let k = 0; k < n; k++) turn(a, p * n + k, q * n + k, c, s);
  for (let k = 0; k < n; k++) turn(vectors, p * n + k, q * n + k, c, s);
  a[p * n + q] = 0;
  a[q * n + p] = 0;
}

function turn(values: Float64Array, x: number, y: number, c: number, s: number): void {
  const [vx, vy] = [values[x]!, values[y]!];
  values[x] = c * vx - s * vy;
  values[y] = s * vx + c * vy;
}

function signOf(vector: Float64Array): number {
  const largest = vector.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
  return largest < 0 ? -1 : 1;
}
