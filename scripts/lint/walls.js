/**
 * The walls between the folders of src/ as an ESLint rule: who may import whom, and through which door. Resolves every
 * import, re-export, `import()` and `import('…')` type to the folder it leads to, so no spelling gets around it.
 */

import path from 'node:path';

/** What each folder of src/ may import of its siblings; itself always. */
export const WALLS = {
  foundation: [],
  data: ['foundation'],
  model: ['foundation'],
  protocol: ['foundation'],
  engine: ['model', 'foundation'],
  worker: ['engine', 'data', 'protocol', 'model', 'foundation'],
  coordinator: ['data', 'model', 'protocol', 'foundation'],
  session: ['coordinator', 'worker', 'engine', 'data', 'model', 'protocol', 'foundation'],
  library: ['session', 'worker', 'engine', 'coordinator', 'data', 'model', 'protocol', 'foundation'],
  cli: ['session', 'coordinator', 'worker', 'engine', 'data', 'model', 'protocol', 'foundation'],
};

/** The one file of src/ that stands in no folder: what a program imports. */
const LIBRARY_DOOR = 'index.ts';

/** Folders whose files are entered one by one: they are small and independent of each other. */
const WITHOUT_DOOR = ['foundation'];

/** @type {import('eslint').Rule.RuleModule} */
export const walls = {
  meta: {
    type: 'problem',
    docs: { description: 'keep the folders of src/ behind their walls' },
    schema: [],
    messages: {
      wall: '{{from}}/ must not import {{to}}/; of its siblings it may import {{allowed}}.',
      door: '{{to}}/ is entered through its index.ts only: import what you need from {{to}}/index.js.',
      outside: 'src/ must not import files outside itself.',
      foundation: 'foundation/ imports nothing but itself.',
      unknown: '{{from}}/ is not in the table of walls (scripts/lint/walls.js): add it there.',
    },
  },
  create(context) {
    const source = path.join(context.cwd, 'src');
    const [top] = path.relative(source, context.filename).split(path.sep);
    const from = top === LIBRARY_DOOR ? 'library' : top;
    if (from === undefined || from === '..') return {};

    const check = (node) => {
      if (node?.type !== 'Literal' || typeof node.value !== 'string') return;
      const complaint = complaintAbout(node.value, { source, from, filename: context.filename });
      if (complaint) context.report({ node, ...complaint });
    };
    return {
      ImportDeclaration: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source),
      TSImportType: (node) => check(node.source),
    };
  },
};

function complaintAbout(specifier, { source, from, filename }) {
  const allowed = WALLS[from];
  if (!allowed) return { messageId: 'unknown', data: { from } };
  if (!specifier.startsWith('.')) return from === 'foundation' ? { messageId: 'foundation' } : undefined;
  const [to, ...rest] = path
    .relative(source, path.resolve(path.dirname(filename), specifier))
    .split(path.sep);
  if (to === '..') return { messageId: 'outside' };
  if (to === from) return undefined;
  if (!allowed.includes(to)) {
    return { messageId: 'wall', data: { from, to, allowed: allowed.join(', ') || 'nothing' } };
  }
  const throughDoor = rest.length === 1 && rest[0] === 'index.js';
  return throughDoor || WITHOUT_DOOR.includes(to) ? undefined : { messageId: 'door', data: { to } };
}
