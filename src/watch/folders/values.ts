/** Values of files, which may hold anything. */

/** Null for what is no finite number. */
export function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
