/** The files of the live page, as the build has bundled them into dist/web. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { LockstepError } from '../../foundation/errors.js';

export interface PageFile {
  readonly type: string;
  readonly content: Buffer;
}

const FILES = [
  { path: '/', name: 'index.html', type: 'text/html; charset=utf-8' },
  { path: '/page.js', name: 'page.js', type: 'text/javascript; charset=utf-8' },
  { path: '/page.css', name: 'page.css', type: 'text/css; charset=utf-8' },
] as const;

/** Seen from dist/watch/live, and from src/watch/live where tests run the sources. */
const FOLDER = new URL(
  import.meta.url.endsWith('.ts') ? '../../../dist/web/' : '../../web/',
  import.meta.url,
);

/** @throws LockstepError E_IO if the page was not built */
export function readPageFiles(): ReadonlyMap<string, PageFile> {
  try {
    return new Map(
      FILES.map(({ path, name, type }) => [path, { type, content: readFileSync(new URL(name, FOLDER)) }]),
    );
  } catch {
    throw new LockstepError(
      'E_IO',
      `the page is missing in ${fileURLToPath(FOLDER)}; build it with: npm run build`,
    );
  }
}
