/** Lockstep's version, from the nearest package.json above this file. Works in src/ and in the compiled output. */

import { existsSync, readFileSync } from 'node:fs';

function packageFile(): URL {
  let folder = new URL('./', import.meta.url);
  for (let above = new URL('../', folder); above.href !== folder.href; above = new URL('../', folder)) {
    if (existsSync(new URL('package.json', folder))) break;
    folder = above;
  }
  return new URL('package.json', folder);
}

export const LOCKSTEP_VERSION = (JSON.parse(readFileSync(packageFile(), 'utf8')) as { version: string })
  .version;
