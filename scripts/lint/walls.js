/**
 * ESLint rule for imports between the folders of src/, and between the rooms of a folder. Resolves every import,
 * re-export, `import()` and `import('…')` type to the file it names, so the spelling of a path makes no difference.
 */

import path from 'node:path';

/** Which siblings each folder of src/ may import. A folder may always import itself. */
export const WALLS = {
  foundation: [],
  data: ['foundation'],
  model: ['foundation'],
  protocol: ['foundation'],
  engine: ['model', 'foundation'],
  worker: ['engine', 'data', 'protocol', 'model', 'foundation'],
  coordinator: ['data', 'model', 'protocol', 'foundation'],
  export: ['coordinator', 'data', 'model', 'protocol', 'foundation'],
  check: ['coordinator', 'worker', 'engine', 'data', 'model', 'foundation'],
  setup: ['engine', 'model', 'foundation'],
  relay: ['coordinator', 'worker', 'data', 'model', 'protocol', 'foundation'],
  simulate: ['relay', 'coordinator', 'worker', 'engine', 'data', 'model', 'protocol', 'foundation'],
  session: [
    ...['watch', 'relay', 'export', 'check', 'coordinator', 'worker', 'engine'],
    ...['data', 'model', 'protocol', 'foundation'],
  ],
  library: [
    ...['session', 'watch', 'export', 'check', 'worker', 'engine', 'coordinator'],
    ...['data', 'model', 'protocol', 'foundation'],
  ],
  watch: ['coordinator', 'protocol', 'foundation'],
  web: ['watch', 'worker', 'engine', 'data', 'protocol', 'foundation'],
  cli: [
    ...['setup', 'session', 'simulate', 'watch', 'export', 'check'],
    ...['coordinator', 'worker', 'engine', 'data', 'model', 'protocol', 'foundation'],
  ],
};

/** The one file of src/ outside every folder: what a program imports. It may import what library/ may. */
const LIBRARY_ENTRY = 'index.ts';

/**
 * Which rooms each room of a folder may import, from the lowest floor to the highest: a room may import only rooms listed
 * above it. Files at the top of the folder, such as index.ts, may import every room; no room imports its folder's entry.
 */
export const ROOMS = {
  coordinator: {
    run: [],
    vectors: [],
    schedule: [],
    server: [],
    checkpoints: ['run', 'vectors'],
    folder: ['run', 'checkpoints'],
    fleet: ['run', 'schedule'],
    training: ['run', 'vectors', 'checkpoints', 'folder', 'fleet'],
  },
  watch: {
    events: [],
    folders: [],
    follow: ['folders'],
    tensorboard: ['events', 'folders', 'follow'],
    metrics: ['events'],
    trackers: ['events', 'folders', 'follow'],
    compare: ['folders'],
    report: ['folders'],
    live: ['events', 'folders'],
  },
  export: {
    pytorch: [],
    onnx: ['pytorch'],
    tfjs: ['onnx'],
  },
  cli: {
    process: [],
    cluster: ['process'],
    options: ['process'],
    token: ['process', 'options'],
    display: ['process', 'token'],
    commands: ['process', 'cluster', 'options', 'token', 'display'],
  },
};

const ENTRIES = ['index.js', 'main.js'];

/** What pages may import of each folder, which must not load the rest. Others may, besides the folder's index.ts. */
const FOR_PAGES = {
  watch: ['live/api.js', 'folders/wording.js', 'report/linePlot.js'],
  coordinator: ['run/evaluation.js'],
  worker: ['pages.js'],
  engine: ['simd/index.js', 'softmaxCrossEntropy.js', 'webgpu/adapter.js', 'webgpu/pages.js'],
  data: ['pages.js'],
  protocol: ['pages.js'],
};

/** Folders whose files are imported one by one: the files are small and independent of each other. */
const WITHOUT_DOOR = ['foundation'];

/** @type {import('eslint').Rule.RuleModule} */
export const walls = {
  meta: {
    type: 'problem',
    docs: { description: 'keep the folders of src/ behind their walls' },
    schema: [],
    messages: {
      wall: '{{from}}/ must not import {{to}}/; it may import: {{allowed}}.',
      page: 'a page must not load all of {{to}}/; it may import: {{allowed}}.',
      door: 'import {{to}}/ only through its index.ts: {{to}}/index.js.',
      outside: 'src/ must not import files outside itself.',
      foundation: 'foundation/ imports nothing but itself.',
      room: '{{folder}}/{{from}}/ must not import {{to}}; of its sibling rooms it may import {{allowed}}.',
      unknown: '{{from}}/ is not in the tables of scripts/lint/walls.js: add it there.',
    },
  },
  create(context) {
    const source = path.join(context.cwd, 'src');
    const [top, ...place] = path.relative(source, context.filename).split(path.sep);
    const from = top === LIBRARY_ENTRY ? 'library' : top;
    if (from === undefined || from === '..') return {};
    const room = place.length > 1 ? place[0] : undefined;

    const check = (node) => {
      if (node?.type !== 'Literal' || typeof node.value !== 'string') return;
      const complaint = complaintAbout(node.value, { source, from, room, filename: context.filename });
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

function complaintAbout(specifier, { source, from, room, filename }) {
  const allowed = WALLS[from];
  if (!allowed) return { messageId: 'unknown', data: { from } };
  if (!specifier.startsWith('.')) return from === 'foundation' ? { messageId: 'foundation' } : undefined;
  const [to, ...rest] = path
    .relative(source, path.resolve(path.dirname(filename), specifier))
    .split(path.sep);
  if (to === '..') return { messageId: 'outside' };
  if (to === from) return complaintAboutRoom({ folder: from, from: room, rest });
  if (!allowed.includes(to)) {
    return { messageId: 'wall', data: { from, to, allowed: allowed.join(', ') || 'nothing' } };
  }
  if (WITHOUT_DOOR.includes(to) || FOR_PAGES[to]?.includes(rest.join('/'))) return undefined;
  if (from === 'web') return { messageId: 'page', data: { to, allowed: FOR_PAGES[to].join(', ') } };
  return rest.join('/') === 'index.js' ? undefined : { messageId: 'door', data: { to } };
}

/** @param from the importing file's room; undefined at the top of the folder */
function complaintAboutRoom({ folder, from, rest }) {
  const rooms = ROOMS[folder];
  if (!rooms || from === undefined) return undefined;
  const allowed = rooms[from];
  if (!allowed) return { messageId: 'unknown', data: { from: `${folder}/${from}` } };
  const [to] = rest;
  const isForbidden = rest.length > 1 ? to !== from && !allowed.includes(to) : ENTRIES.includes(to);
  if (!isForbidden) return undefined;
  return { messageId: 'room', data: { folder, from, to, allowed: allowed.join(', ') || 'nothing' } };
}
