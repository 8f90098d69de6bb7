/** The version in package.json: the nearest above this file, wherever it was compiled to. */

import { existsSync, readFileSync } from 'node:fs';

function packageFile(): URL {
  let file = new URL('package.json', import.meta.url);
  // At the root `..` leads nowhere: reading then fails and says where.
  while (!existsSync(file) && new URL('../package.json', file).href !== file.href) {
    file = new URL('../package.json', file);
  }
  return file;
}

export const LOCKSTEP_VERSION = (JSON.parse(readFileSync(packageFile(), 'utf8')) as { version: string })
  .version;
