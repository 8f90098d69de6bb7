/**
 * The door to standard output and standard error. Messages quote files and peers, whose text must not steer the terminal:
 * nothing in cli/ writes to the two streams but through here and the displays, which use the same functions.
 */

import { printableJson, printableLines } from '../../foundation/printable.js';

/** One or more lines for people. */
export function print(text: string): void {
  process.stdout.write(`${printableLines(text)}\n`);
}

export function printError(text: string): void {
  process.stderr.write(`${printableLines(text)}\n`);
}

/** One line for programs. */
export function printJson(value: unknown): void {
  process.stdout.write(`${printableJson(value)}\n`);
}

/** Text of our own making, with the escapes that colour it. */
export function printDrawn(text: string): void {
  process.stdout.write(`${text}\n`);
}
