/** How values of a run are written, in a report, on a page and in the terminal. Free of Node: pages use it, too. */

/** A value of config.json or of an event. */
export function optionText(value: unknown): string {
  return value === undefined ? '(not set)' : typeof value === 'string' ? value : JSON.stringify(value);
}

/** 0:07:03 */
export function durationText(seconds: number): string {
  const whole = Math.round(seconds);
  const padded = (value: number): string => String(value).padStart(2, '0');
  return `${Math.floor(whole / 3600)}:${padded(Math.floor(whole / 60) % 60)}:${padded(whole % 60)}`;
}
