import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import { describe, expect, it } from 'vitest';
import { ROOMS } from '../../scripts/lint/walls.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RULES = [
  'lockstep/walls',
  'no-console',
  'no-restricted-globals',
  'no-restricted-imports',
  'no-restricted-properties',
  'no-restricted-syntax',
];

/** The project's own configuration, less what needs types: only that is slow. */
const eslint = new ESLint({
  cwd: ROOT,
  ruleFilter: ({ ruleId }) => RULES.includes(ruleId),
  overrideConfig: {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: false } },
    linterOptions: { reportUnusedDisableDirectives: 'off' },
  },
});

/** What the linter says of this code if it stood in that file of src/: rule and message of each complaint. */
async function complaints(file: string, code: string): Promise<string[]> {
  const results = await eslint.lintText(code, { filePath: path.join(ROOT, 'src', file) });
  return results.flatMap(({ messages }) => messages.map(({ ruleId, message }) => `${ruleId}: ${message}`));
}

/** Written out here once more, from the design, so that the table in the rule is checked too. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  foundation: [],
  data: ['foundation'],
  model: ['foundation'],
  protocol: ['foundation'],
  engine: ['model', 'foundation'],
  worker: ['engine', 'data', 'protocol', 'model', 'foundation'],
  coordinator: ['data', 'model', 'protocol', 'foundation'],
  check: ['coordinator', 'worker', 'engine', 'data', 'model', 'foundation'],
  setup: ['engine', 'model', 'foundation'],
  watch: ['coordinator', 'protocol', 'foundation'],
  web: ['watch', 'worker', 'engine', 'protocol', 'foundation'],
  export: ['coordinator', 'data', 'model', 'protocol', 'foundation'],
  relay: ['coordinator', 'worker', 'data', 'model', 'protocol', 'foundation'],
  simulate: ['relay', 'coordinator', 'worker', 'engine', 'data', 'model', 'protocol', 'foundation'],
  session: [
    ...['watch', 'relay', 'export', 'check', 'coordinator', 'worker', 'engine'],
    ...['data', 'model', 'protocol', 'foundation'],
  ],
  library: [
    ...['session', 'watch', 'export', 'check', 'coordinator', 'worker', 'engine'],
    ...['data', 'model', 'protocol', 'foundation'],
  ],
  cli: [
    ...['session', 'simulate', 'watch', 'export', 'check', 'setup', 'coordinator', 'worker', 'engine'],
    ...['data', 'model', 'protocol', 'foundation'],
  ],
};
const FOLDERS = Object.keys(ALLOWED);
/** What a page imports of a folder: a file that needs nothing of Node. */
const FOR_PAGES: Readonly<Record<string, string>> = {
  watch: 'live/api.js',
  worker: 'pages.js',
  engine: 'simd/index.js',
  protocol: 'pages.js',
};

describe('the walls between the folders of src/', () => {
  it('stand around every folder that is there', () => {
    const entries = readdirSync(path.join(ROOT, 'src'));
    expect(entries.filter((name) => name !== 'index.ts').sort()).toEqual([...FOLDERS].sort());
  });

  for (const [from, allowed] of Object.entries(ALLOWED)) {
    for (const to of FOLDERS) {
      const isForbidden = to !== from && !allowed.includes(to);
      it(`${from} ${isForbidden ? 'must not import' : 'may import'} ${to}`, async () => {
        const entry = (from === 'web' ? FOR_PAGES[to] : undefined) ?? 'index.js';
        const file = to === 'foundation' ? 'errors.js' : entry;
        const found = await complaints(`${from}/some.ts`, `export * from '../${to}/${file}';`);
        expect(found).toHaveLength(isForbidden ? 1 : 0);
        if (isForbidden) expect(found[0]).toMatch(/^lockstep\/walls: /);
      });
    }
  }

  it.each([
    ['a type', `import type { Fleet } from '../coordinator/index.js'; export type F = Fleet;`],
    ['a re-export', `export { Fleet } from '../coordinator/index.js';`],
    ['an import while running', `export const later = (): unknown => import('../coordinator/index.js');`],
    ['an import within a type', `export type F = import('../coordinator/index.js').Fleet;`],
    ['a detour', `import '../../src/coordinator/index.js';`],
  ])('hold for %s', async (_name, code) => {
    expect(await complaints('worker/some.ts', code)).toEqual([expect.stringMatching(/^lockstep\/walls/)]);
  });

  it('hold in nested folders, and let these import their own parents', async () => {
    const code = `import '../engine.js'; import '../../model/index.js'; import '../../data/index.js';`;
    expect(await complaints('engine/tfjs/some.ts', code)).toEqual([
      expect.stringContaining('engine/ must not import data/'),
    ]);
  });

  it('have one door each', async () => {
    expect(await complaints('cli/some.ts', `import '../coordinator/sgd.js';`)).toEqual([
      expect.stringContaining('only through its index.ts'),
    ]);
  });

  it('let pages load no folder as a whole', async () => {
    for (const to of Object.keys(FOR_PAGES)) {
      expect(await complaints('web/some.ts', `import '../${to}/index.js';`)).toHaveLength(1);
    }
  });

  it('keep foundation free of packages, and src/ free of what lies outside', async () => {
    expect(await complaints('foundation/some.ts', `import 'zod';`)).toHaveLength(1);
    expect(await complaints('cli/some.ts', `import '../support/numbers.js';`)).toHaveLength(1);
  });

  it('let the door of the library see what the library may see, and nobody see that door', async () => {
    expect(await complaints('index.ts', `export * from './library/train.js';`)).toEqual([]);
    expect(await complaints('index.ts', `export * from './coordinator/index.js';`)).toEqual([]);
    expect(await complaints('index.ts', `export * from './cli/main.js';`)).toHaveLength(1);
    expect(await complaints('cli/some.ts', `export * from '../index.js';`)).toHaveLength(1);
  });

  it('do not let a new folder in unseen', async () => {
    expect(await complaints('utils/some.ts', `import '../model/index.js';`)).toHaveLength(1);
  });
});

describe.each(Object.entries(ROOMS))('the rooms of %s/', (folder, table) => {
  const rooms = new Map(Object.entries(table));

  it('are all in the table', () => {
    const entries = readdirSync(path.join(ROOT, 'src', folder), { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    expect(folders.sort()).toEqual([...rooms.keys()].sort());
  });

  it('import only rooms on lower floors', () => {
    const lower = new Set<string>();
    for (const [room, imports] of rooms) {
      expect(imports.filter((other) => !lower.has(other))).toEqual([]);
      lower.add(room);
    }
  });

  it('import the rooms in the table and no others', async () => {
    for (const [from, imports] of rooms) {
      for (const to of rooms.keys()) {
        const found = await complaints(`${folder}/${from}/some.ts`, `import type {} from '../${to}/any.js';`);
        const isAllowed = to === from || imports.includes(to);
        expect(found, `${from} imports ${to}`).toEqual(
          isAllowed ? [] : [expect.stringContaining(`${folder}/${from}/ must not import ${to}`)],
        );
      }
    }
  });

  it('do not import the entry of their folder, and do not appear unseen', async () => {
    const [room] = rooms.keys();
    expect(await complaints(`${folder}/${room}/some.ts`, `import '../index.js';`)).toHaveLength(1);
    expect(await complaints(`${folder}/utils/some.ts`, `import '../${room}/any.js';`)).toHaveLength(1);
  });

  it('hold for files in nested folders too', async () => {
    const [lowest] = rooms.keys();
    const highest = [...rooms.keys()].at(-1);
    const code = `import '../../${highest}/any.js';`;
    expect(await complaints(`${folder}/${lowest}/nested/some.ts`, code)).toHaveLength(1);
  });
});

describe('the terminal', () => {
  it.each(['console.log(1);', 'process.argv;', `process.env['HOME'];`, 'process.stdout.isTTY;'])(
    'belongs to cli/: %s',
    async (code) => {
      expect(await complaints('coordinator/some.ts', code)).toHaveLength(1);
      expect(await complaints('data/some.ts', code)).toHaveLength(1);
      expect(await complaints('worker/some.ts', code)).toHaveLength(1);
      if (!code.startsWith('console')) expect(await complaints('cli/some.ts', code)).toEqual([]);
    },
  );

  it('is written to through one door', async () => {
    for (const stream of ['stdout', 'stderr']) {
      const code = `process.${stream}.write('');`;
      expect(await complaints('cli/some.ts', code)).toEqual([
        expect.stringContaining('cli/process/terminal.ts'),
      ]);
      expect(await complaints('cli/process/terminal.ts', code)).toEqual([]);
    }
  });

  it('is not reached by importing the global', async () => {
    expect(await complaints('data/some.ts', `import { env } from 'node:process'; env;`)).toHaveLength(1);
  });
});

describe('what could differ between hosts', () => {
  it.each(['foundation', 'data', 'model', 'engine', 'coordinator'])('is kept out of %s/', async (folder) => {
    for (const code of ['Math.log(2);', 'Math.exp(1);', 'Math.cos(1);', 'Math.pow(3, 2);', 'Math.tanh(1);']) {
      expect(await complaints(`${folder}/some.ts`, code)).toHaveLength(1);
    }
    expect(await complaints(`${folder}/some.ts`, 'Math.random();')).toHaveLength(1);
    expect(await complaints(`${folder}/some.ts`, 'const { log } = Math; log(2);')).toHaveLength(1);
    expect(await complaints(`${folder}/some.ts`, 'let x = 10 ** -2; x **= 3;')).toHaveLength(2);
    const exact = 'Math.sqrt(2); Math.fround(1 / 3); 2 ** 5; Math.floor(1.5); Math.imul(2, 3);';
    expect(await complaints(`${folder}/some.ts`, exact)).toEqual([]);
  });

  it('is the time as well, except where a run is recorded', async () => {
    for (const folder of ['foundation', 'data', 'model', 'engine']) {
      expect(await complaints(`${folder}/some.ts`, 'new Date();')).toHaveLength(1);
    }
    expect(await complaints('coordinator/some.ts', 'new Date();')).toEqual([]);
  });
});
