/** The version in package.json, which lies above both src/ and dist/. */

import { readFileSync } from 'node:fs';

export function lockstepVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
