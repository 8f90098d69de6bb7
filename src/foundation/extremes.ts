/** The least and the greatest of many numbers. `Math.max(...values)` fails beyond about 125,000 of them. */

/** @returns Infinity for none */
export function leastOf(values: readonly number[]): number {
  return values.reduce((least, value) => Math.min(least, value), Infinity);
}

/** @returns -Infinity for none */
export function greatestOf(values: readonly number[]): number {
  return values.reduce((greatest, value) => Math.max(greatest, value), -Infinity);
}
