import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { cyclesOf, importGraph } from '../support/importGraph.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

it('no files of src/ import each other in a circle', () => {
  const graph = importGraph(fileURLToPath(new URL('../../src', import.meta.url)));
  expect(graph.get('coordinator/index.ts')).toContain('coordinator/training/train.ts');
  expect(cyclesOf(graph)).toEqual([]);
});

it.each([
  ['an import', `import { b } from './nested/b.js'; export const a = b;`],
  ['a type', `import type { B } from './nested/b.js'; export type A = B;`],
  ['a re-export', `export * from './nested/b.js';`],
  ['an import while running', `export const later = (): unknown => import('./nested/b.js');`],
  ['an import within a type', `export type A = import('./nested/b.js').B;`],
])('a circle by %s is found', (_name, code) => {
  const folder = temporaryFolder();
  mkdirSync(path.join(folder, 'nested'));
  writeFileSync(path.join(folder, 'a.ts'), code);
  writeFileSync(path.join(folder, 'nested/b.ts'), `import '../c.js';`);
  writeFileSync(path.join(folder, 'c.ts'), `import './a.js'; import 'zod'; import './missing.js';`);
  writeFileSync(path.join(folder, 'd.ts'), `import './a.js';`);
  expect(cyclesOf(importGraph(folder))).toEqual([['a.ts', 'c.ts', 'nested/b.ts']]);
});

it('a file that imports itself is a circle', () => {
  expect(cyclesOf(new Map([['a.ts', ['a.ts']]]))).toEqual([['a.ts']]);
});
