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
