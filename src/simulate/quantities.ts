/** Rates and times as people write them. */

const BITS_PER_BYTE = 8;
const MS_PER_SECOND = 1000;
const PREFIXES: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12 };
const TIMES: Readonly<Record<string, number>> = { us: 1e-3, µs: 1e-3, ms: 1, s: 1e3 };

export const NO_LIMIT = 'unlimited';

/** @returns bytes a millisecond of `1Gbit`, `100Mbit/s`, `10Gbps`, `125MB/s`, `unlimited`; undefined for anything else */
export function bytesPerMs(text: string): number | undefined {
  if (text === NO_LIMIT) return Infinity;
  const [, digits, prefix, unit] = /^(\d+(?:\.\d+)?)\s*([kMGT]?)(bit|bps|B)(?:\/s)?$/.exec(text) ?? [];
  const rate = (Number(digits) * (PREFIXES[prefix ?? ''] ?? NaN)) / MS_PER_SECOND;
  return rate > 0 ? rate / (unit === 'B' ? 1 : BITS_PER_BYTE) : undefined;
}

/** @returns milliseconds of `0.2ms`, `100us`, `1s`, `0`; undefined for anything else */
export function milliseconds(text: string): number | undefined {
  if (text === '0') return 0;
  const [, digits, unit] = /^(\d+(?:\.\d+)?)\s*(us|µs|ms|s)$/.exec(text) ?? [];
  return unit === undefined ? undefined : Number(digits) * TIMES[unit]!;
}

/** @returns of `3:2.5`: so many nodes, and by which factor they are slower; undefined for anything else */
export function slowNodes(text: string): { readonly nodes: number; readonly factor: number } | undefined {
  const [, count, factor] = /^(\d{1,9}):(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  return Number(factor) > 0 ? { nodes: Number(count), factor: Number(factor) } : undefined;
}
