/** How this program was called. */

import path from 'node:path';

/** The program as the user called it, for commands to copy: `bin/lockstep` from a checkout's top. */
export function programName(): string {
  const script = process.argv[1];
  if (script === undefined || path.basename(script) !== 'lockstep') return 'lockstep';
  const relative = path.relative(process.cwd(), script);
  return relative.length < script.length ? relative : script;
}
