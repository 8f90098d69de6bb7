/** How values are written that may be missing. */

import {
  countText,
  durationText,
  measureText,
  momentText,
  NOTHING,
  percentText,
} from '../../watch/folders/wording.js';

export const DASH = NOTHING;

/** Undefined counts as missing, too: it was not fetched yet. */
type Maybe<Value> = Value | null | undefined;

const orDash =
  <Value>(write: (value: Value) => string) =>
  (value: Maybe<Value>): string =>
    value === null || value === undefined ? DASH : write(value);

export const percent = orDash(percentText);
export const count = orDash(countText);
export const duration = orDash(durationText);
export const short = orDash(measureText);
export const moment = orDash(momentText);
export const whole = orDash((value: number) => countText(Math.round(value)));
export const yesNo = orDash((value: boolean) => (value ? 'yes' : 'no'));

/** In units of 1000: `12.3 MB`. */
export function bytes(value: number | null): string {
  if (value === null) return DASH;
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  const number = value / 1000 ** power;
  return `${power === 0 || number >= 100 ? number.toFixed(0) : number.toFixed(1)} ${units[power]!}`;
}

/** `1 node`, `2 nodes` */
export function counted(number: number, thing: string): string {
  return `${countText(number)} ${thing}${number === 1 ? '' : 's'}`;
}
