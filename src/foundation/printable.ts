/**
 * Makes text from files and peers safe for a terminal and a log: no control characters, which could move the cursor,
 * rewrite lines or set the window's title; no change of the writing direction; a limited length.
 */

/** C0 and C1 controls, DEL, line and paragraph separators, directional marks and overrides, lone surrogates. */
const UNPRINTABLE =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/gu;
const UNPRINTABLE_WITHIN_LINES = new RegExp(`(?!\\n)${UNPRINTABLE.source}`, 'gu');
const REPLACEMENT = '\ufffd';
const MORE = '…';

/**
 * @param maxLength in UTF-16 units, as String.length counts
 * @returns the text with every unprintable character replaced by U+FFFD, cut off with an ellipsis if too long
 */
export function printable(text: string, maxLength: number): string {
  const isTooLong = text.length > maxLength;
  // Cut first, so the rest need not be searched. If this splits a surrogate pair, the lone half is replaced below.
  const kept = isTooLong ? text.slice(0, maxLength - MORE.length) + MORE : text;
  return kept.replace(UNPRINTABLE, REPLACEMENT);
}

/** @returns text of any number of lines with every other unprintable character replaced by U+FFFD */
export function printableLines(text: string): string {
  return text.replace(UNPRINTABLE_WITHIN_LINES, REPLACEMENT);
}

/** @returns JSON in one line, with every unprintable character escaped; parsing it gives the same value */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(UNPRINTABLE, escapeOf);
}

function escapeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
