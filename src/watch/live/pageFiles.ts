/** The files of the pages, as the build has bundled them into dist/web. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { LockstepError } from '../../foundation/errors.js';

export interface PageFile {
  readonly type: string;
  readonly content: Buffer;
  /** The same, compressed by gzip. */
  readonly packed?: Buffer;
  /** Besides those that every file has. */
  readonly headers?: Readonly<Record<string, string>>;
}

interface Source {
  readonly path: string;
  /** Below dist/web. */
  readonly name: string;
  readonly type: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const TYPES = {
  html: 'text/html; charset=utf-8',
  script: 'text/javascript; charset=utf-8',
  style: 'text/css; charset=utf-8',
} as const;

/** A thread has a policy of its own: it may compile WebAssembly, which the live page itself may not, and ask nobody. */
const COMPUTES = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; frame-ancestors 'none'",
};

const LIVE_PAGE: readonly Source[] = [
  { path: '/', name: 'index.html', type: TYPES.html },
  { path: '/page.js', name: 'page.js', type: TYPES.script },
  { path: '/page.css', name: 'page.css', type: TYPES.style },
  { path: '/compute.js', name: 'join/compute.js', type: TYPES.script, headers: COMPUTES },
];

const JOIN_PAGE: readonly Source[] = [
  { path: '/join', name: 'join/index.html', type: TYPES.html },
  { path: '/join/page.js', name: 'join/page.js', type: TYPES.script },
  { path: '/join/compute.js', name: 'join/compute.js', type: TYPES.script },
  { path: '/join/gpu.js', name: 'join/gpu.js', type: TYPES.script },
  { path: '/join/page.css', name: 'join/page.css', type: TYPES.style },
];

/** Seen from dist/watch/live, and from src/watch/live where tests run the sources. */
const FOLDER = new URL(
  import.meta.url.endsWith('.ts') ? '../../../dist/web/' : '../../web/',
  import.meta.url,
);

/** By path. @throws LockstepError E_IO if the page was not built */
export function readPageFiles(): ReadonlyMap<string, PageFile> {
  return read(LIVE_PAGE);
}

/** Those of the page that makes a tab a worker. @throws LockstepError E_IO if it was not built */
export function readJoinFiles(): ReadonlyMap<string, PageFile> {
  return read(JOIN_PAGE);
}

function read(sources: readonly Source[]): ReadonlyMap<string, PageFile> {
  try {
    return new Map(
      sources.map(({ path, name, ...about }) => {
        const content = readFileSync(new URL(name, FOLDER));
        return [path, { ...about, content, packed: gzipSync(content) }];
      }),
    );
  } catch {
    throw new LockstepError(
      'E_IO',
      `the page is missing in ${fileURLToPath(FOLDER)}; build it with: npm run build`,
    );
  }
}
