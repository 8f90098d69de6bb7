/** How numbers are written. */

import { durationText } from '../../watch/folders/wording.js';

export const DASH = '–';

export function percent(share: number | null): string {
  return share === null ? DASH : `${(100 * share).toFixed(2)} %`;
}

export function whole(value: number | null): string {
  return value === null ? DASH : value.toFixed(0);
}

export function duration(seconds: number | null): string {
  return seconds === null ? DASH : durationText(seconds);
}

export function short(value: number): string {
  return Math.abs(value) >= 1e-3 || value === 0
    ? String(Number(value.toPrecision(4)))
    : value.toExponential(1);
}

/** In units of 1000: `12.3 MB`. */
export function bytes(value: number | null): string {
  if (value === null) return DASH;
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  const number = value / 1000 ** power;
  return `${power === 0 || number >= 100 ? number.toFixed(0) : number.toFixed(1)} ${units[power]!}`;
}
