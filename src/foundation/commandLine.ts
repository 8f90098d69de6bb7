/** Commands of this program in messages, ready to paste: they begin with the name by which the user called it. */

import { shellWord } from './shellWord.js';

let program = 'lockstep';

/** @param name as a shell takes it; set once, when the program starts */
export function nameProgram(name: string): void {
  program = name;
}

/** @param words one argument each; paths and other values are quoted if a shell would change them */
export function commandLine(...words: readonly string[]): string {
  return [program, ...words.map((word) => (isOption(word) ? word : shellWord(word)))].join(' ');
}

function isOption(word: string): boolean {
  return /^--[a-z][a-z-]*$/.test(word);
}
