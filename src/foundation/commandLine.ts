/** Commands of this program in messages, ready to paste: they begin with the name by which the user called it. */

import { shellWord } from './shellWord.js';

let program = 'lockstep';

/** @param name as a shell takes it; set once, when the program starts */
export function nameProgram(name: string): void {
  program = name;
}

/** Options without a value. */
const SWITCHES: readonly string[] = ['--force', '--gpu', '--nesterov', '--stratify'];

/** @param words one argument each; paths and other values are quoted if a shell would change them */
export function commandLine(...words: readonly string[]): string {
  const isValue = (word: string, before: string | undefined): boolean =>
    !isOption(word) || (before !== undefined && isOption(before) && !isSwitch(before));
  let before: string | undefined;
  const written = words.map((word) => {
    const isOne = isValue(word, before);
    before = isOne ? undefined : word;
    return isOne ? shellWord(word) : word;
  });
  return [program, ...written].join(' ');
}

function isSwitch(option: string): boolean {
  return SWITCHES.includes(option) || option.startsWith('--no-');
}

function isOption(word: string): boolean {
  return /^--[a-z][a-z-]*$/.test(word);
}
