/** Words in commands that a message tells the user to paste. */

const NEEDS_NO_QUOTES = process.platform === 'win32' ? /^[\w@+=:,./\\-]+$/ : /^[\w@%+=:,./-]+$/;

/** A path as one word of a shell command: quoted if necessary, and never taken for an option. */
export function shellWord(path: string): string {
  return quoted(path.startsWith('-') ? `./${path}` : path);
}

/** Quoted for a shell, if that is necessary. */
export function quoted(word: string): string {
  if (NEEDS_NO_QUOTES.test(word)) return word;
  return process.platform === 'win32' ? `"${word}"` : `'${word.replaceAll("'", "'\\''")}'`;
}
