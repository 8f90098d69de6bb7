/** The documents name files and headings. Each must exist, or a reader who follows it is lost. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** They tell what was, with the names of that time: only their links are checked. */
const HISTORY: ReadonlySet<string> = new Set(['CHANGELOG.md', path.join('docs', 'log.md')]);
const DOCUMENTS = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  ...readdirSync(path.join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.join('docs', name)),
];

/** In-line code that is a path from the root of the repository; a folder ends with a slash. */
const PATH_IN_CODE =
  /`((?:src|test|docs|bench|scripts|records|bin|examples|deploy|\.ci|\.github)\/[\w./-]*)`/g;
const LINK = /\]\(([^)\s]+)\)/g;

function read(document: string): string {
  return readFileSync(path.join(ROOT, document), 'utf8');
}

/** Without blocks of code, in which brackets are no links. */
function proseOf(document: string): string {
  return read(document).replace(/^ *```.*?^ *```/gms, '');
}

/** As GitHub makes anchors: lower case, no punctuation, spaces to hyphens. */
function anchorsOf(document: string): ReadonlySet<string> {
  const headings = [...proseOf(document).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading!);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replace(/\s/g, '-'),
    ),
  );
}

/** What a document's link leads to, if not to a file and heading that exist. */
function brokenLinks(document: string): string[] {
  const links = [...proseOf(document).matchAll(LINK)].map(([, link]) => link!);
  return links
    .filter((link) => !/^(https?|mailto):/.test(link))
    .filter((link) => {
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? document : path.join(path.dirname(document), file);
      if (!existsSync(path.join(ROOT, target))) return true;
      return anchor !== undefined && target.endsWith('.md') && !anchorsOf(target).has(anchor);
    });
}

describe.each(DOCUMENTS)('%s', (document) => {
  it('links to files and headings that exist', () => {
    expect(brokenLinks(document)).toEqual([]);
  });

  it.skipIf(HISTORY.has(document))('names paths that exist', () => {
    const named = [...read(document).matchAll(PATH_IN_CODE)].map(([, name]) => name!);
    expect(named.filter((name) => !existsSync(path.join(ROOT, name)))).toEqual([]);
  });
});

it('finds paths and links at all', () => {
  const architecture = path.join('docs', 'architecture.md');
  expect([...read(architecture).matchAll(PATH_IN_CODE)].length).toBeGreaterThan(30);
  expect([...proseOf('README.md').matchAll(LINK)].length).toBeGreaterThan(10);
});
