/** Commands of this program in messages, ready to paste: they begin with the name by which the user called it. */

import { valueText } from './options/kind.js';
import type { OptionValue } from './options/kind.js';
import { shellWord } from './shellWord.js';

/** As in a project that has Lockstep among its packages; the command line knows better. */
let program = 'npx lockstep';

/** @param name as a shell takes it; set once, when the program starts */
export function nameProgram(name: string): void {
  program = name;
}

/** By key; true and false are written as the switch that says so. */
export type CommandOptions = Readonly<Record<string, OptionValue>>;

/** @param words one argument each, quoted if a shell would change it; options are written as the command line takes them */
export function commandLine(...words: readonly (string | CommandOptions)[]): string {
  const written = words.flatMap((word) =>
    typeof word === 'string' ? [shellWord(word)] : Object.entries(word).flatMap(optionWords),
  );
  return [program, ...written].join(' ');
}

function optionWords([key, value]: readonly [string, OptionValue]): readonly string[] {
  if (value === true) return [flagName(key)];
  if (value === false) return [flagName(`no-${key}`)];
  return [flagName(key), typeof value === 'string' ? shellWord(value) : valueText(value)];
}

/** The name on the command line of the option with this key. */
export function flagName(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
