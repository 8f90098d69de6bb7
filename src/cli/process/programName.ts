/** How this program was called. */

import path from 'node:path';
import { shellWord } from '../../foundation/shellWord.js';

/** The program as the user called it, for commands to paste: `bin/lockstep` from a checkout's top. */
export function programName(): string {
  const script = process.argv[1];
  if (script === undefined || path.basename(script) !== 'lockstep') return 'lockstep';
  if (isOnPath(path.dirname(script))) return 'lockstep';
  const relative = path.relative(process.cwd(), script);
  const shorter = relative.length < script.length ? relative : script;
  if (process.platform === 'win32') return `node ${shellWord(shorter)}`;
  return shellWord(shorter.includes(path.sep) ? shorter : `./${shorter}`);
}

function isOnPath(folder: string): boolean {
  return (process.env['PATH'] ?? '').split(path.delimiter).includes(folder);
}
