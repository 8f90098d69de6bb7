/** Commands of this program in messages, to be pasted as they stand: under the name by which the user called it. */

let program = 'lockstep';

/** @param name as a shell takes it; said once, when the program starts */
export function nameProgram(name: string): void {
  program = name;
}

/** @param words one argument each; those that a shell would change are quoted */
export function commandLine(...words: readonly string[]): string {
  return [program, ...words.map(quoted)].join(' ');
}

function quoted(word: string): string {
  return /^[\w@%+=:,./\\-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
