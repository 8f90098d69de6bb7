/** How numbers are written. */

export const DASH = '–';

export function percent(share: number | null): string {
  return share === null ? DASH : `${(100 * share).toFixed(2)} %`;
}

export function whole(value: number | null): string {
  return value === null ? DASH : value.toFixed(0);
}

/** 0:07:03 */
export function duration(seconds: number | null): string {
  if (seconds === null) return DASH;
  const rounded = Math.round(seconds);
  const padded = (value: number): string => String(value).padStart(2, '0');
  return `${Math.floor(rounded / 3600)}:${padded(Math.floor(rounded / 60) % 60)}:${padded(rounded % 60)}`;
}

export function short(value: number): string {
  return Math.abs(value) >= 1e-3 || value === 0
    ? String(Number(value.toPrecision(4)))
    : value.toExponential(1);
}

/** A value of config.json. */
export function optionText(value: unknown): string {
  return value === undefined ? '(not set)' : typeof value === 'string' ? value : JSON.stringify(value);
}
