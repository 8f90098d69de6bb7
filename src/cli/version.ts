/** The version in package.json, which lies above both src/ and dist/. */

import { readFileSync } from 'node:fs';
import path from 'node:path';

export function lockstepVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** The program as the user called it, for commands to copy: `bin/lockstep` from a checkout's top. */
export function programName(): string {
  const script = process.argv[1];
  if (script === undefined || path.basename(script) !== 'lockstep') return 'lockstep';
  const relative = path.relative(process.cwd(), script);
  return relative.length < script.length ? relative : script;
}
