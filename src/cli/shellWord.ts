/** Words of commands that messages show: they are to survive being pasted into a shell. */

/** @returns the word as it is where no shell changes it, else in single quotes */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
