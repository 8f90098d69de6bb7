/**
 * How values of a run are written: one way for each kind, in a report, on a page and in the terminal. Free of Node: pages
 * use it, too.
 */

export const NOTHING = '–';

/** 10,000 */
export function countText(count: number): string {
  return count.toLocaleString('en-US');
}

/** 43.21 % */
export function percentText(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

/** Four digits: 0.1234; 1.2e-5 */
export function measureText(value: number): string {
  return Math.abs(value) >= 1e-3 || value === 0
    ? String(Number(value.toPrecision(4)))
    : value.toExponential(1);
}

/** 0:07:03 */
export function durationText(seconds: number): string {
  const whole = Math.round(seconds);
  const padded = (value: number): string => String(value).padStart(2, '0');
  return `${Math.floor(whole / 3600)}:${padded(Math.floor(whole / 60) % 60)}:${padded(whole % 60)}`;
}

/** 2026-11-26 23:54 UTC, of an ISO 8601 text; what is none stays as it is. */
export function momentText(iso: string): string {
  return ISO.test(iso) ? `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC` : iso;
}

/** 23:54:01 */
export function clockText(iso: string): string {
  return ISO.test(iso) ? iso.slice(11, 19) : iso;
}

const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/;

/** A value of config.json: as it is given on the command line, so far as it can be. */
export function optionText(value: unknown): string {
  if (value === undefined) return '(not set)';
  if (value === null) return 'none';
  if (typeof value === 'string') return value;
  if (typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(innerText).join(', ');
  const parts = Object.entries(value).map(([key, inner]) => `${key} ${innerText(inner)}`);
  return parts.length === 0 ? 'none' : parts.join(', ');
}

/** An option with its name: large numbers as everywhere, but for a seed, which is a name rather than a count. */
export function configText(key: string, value: unknown): string {
  return key !== 'seed' && Number.isInteger(value) ? countText(value as number) : optionText(value);
}

function innerText(value: unknown): string {
  return typeof value === 'object' && value !== null ? `(${optionText(value)})` : optionText(value);
}

/** `worker-left` → `worker left` */
export function eventName(event: unknown): string {
  return optionText(event).replaceAll('-', ' ');
}

/** What an event tells besides its name and time: `node: alpha, workers now: 2`. */
export function eventDetails(line: Readonly<Record<string, unknown>>): string {
  return Object.entries(line)
    .filter(([key]) => key !== 'event' && key !== 'time')
    .map(([key, value]) => `${wordsOf(key)}: ${numberOrText(value)}`)
    .join(', ');
}

/** Of a name of this program, such as `workersNow`; what a file has made up stays as it is. */
function wordsOf(key: string): string {
  return /^[a-z]+([A-Z][a-z]+)*$/.test(key)
    ? key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
    : key;
}

function numberOrText(value: unknown): string {
  if (typeof value !== 'number') return optionText(value);
  return Number.isInteger(value) ? countText(value) : measureText(value);
}

/** What a run does or has come to: `running`, `stopped`, `finished (patience was over)`. */
export function stateText(state: string, stoppedBy: string | null): string {
  if (state !== 'finished' || stoppedBy === null || stoppedBy === 'epochs') return state;
  return `finished (${REASONS.get(stoppedBy) ?? stoppedBy})`;
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ['patience', 'patience was over'],
  ['max-steps', 'step limit'],
]);
