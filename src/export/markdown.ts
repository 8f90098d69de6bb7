/** Text that others wrote, in Markdown: whatever it is, it becomes no markup. */

import { printable } from '../foundation/printable.js';

const LONGEST = 200;
/** What code between backticks cannot hold, or a table changes in it. */
const NOT_IN_CODE = /[`|\\<>]|^\s|\s$|^$/;
/** Each of them stands for itself behind a backslash. */
const PUNCTUATION = /[!-/:-@[-`{-~]/g;

/** As code, or, where code cannot hold it, as plain text with every sign escaped. Right in a table, too. */
export function code(text: string): string {
  const shown = printable(text, LONGEST);
  return NOT_IN_CODE.test(shown) ? shown.replace(PUNCTUATION, '\\$&') : `\`${shown}\``;
}

export function fenced(language: string, lines: readonly string[]): string {
  return [`\`\`\`${language}`, ...lines, '```'].join('\n');
}
