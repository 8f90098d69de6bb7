/**
 * docs/library-options.md: the options of the library that follow from a definition, which the reference of the types cannot
 * describe one by one. `npm run docs` writes the file; a test compares it.
 */

import { READING_OPTIONS, RECIPE_OPTIONS } from '../coordinator/index.js';
import type { Condition, OptionDefinition, OptionDefinitions } from '../foundation/options/definition.js';
import { describeKind } from '../foundation/options/kind.js';
import { escaped, markdownTable, resumeText } from '../foundation/options/reference.js';
import { COORDINATOR_WORKERS, ENGINE_SETTINGS, TRAIN_WORKERS, WORKER_SETTINGS } from '../session/index.js';
import { COORDINATE_SETTINGS } from './coordinate.js';
import { EVALUATE_SETTINGS } from './evaluate.js';
import { KEPT_SETTINGS } from './options.js';
import { inMilliseconds, MS_PER_SECOND, programName } from './settings.js';
import type { Entry } from './settings.js';

export function libraryOptionsReference(): string {
  return [INTRODUCTION, ...SECTIONS.map(sectionText)].join('\n');
}

const INTRODUCTION = `# Options of the library

Written by \`npm run docs\` from the definitions in the code; the command line has the same ones ([cli.md](cli.md)). Options
that are missing here, such as \`data\`, \`runDir\` or \`onEvent\`, are described at the types of the library.

- **default**: empty where the option has no value unless it is given.
- **resumed run**: *kept*: another value is refused. *may change*: the run keeps its value unless a new one is given.

Durations are in milliseconds. A path is relative to the current folder.
`;

interface Section {
  readonly title: string;
  readonly about: string;
  readonly options: OptionDefinitions;
  /** A resumed run has something to say of them, one by one. */
  readonly resumes?: boolean;
}

/** In another form: data, which say how they were read, and a name or layers. */
const ELSEWHERE: readonly string[] = ['dataset', 'model', ...Object.keys(READING_OPTIONS)];
const RECIPE: OptionDefinitions = Object.fromEntries(
  Object.entries(RECIPE_OPTIONS).filter(([key]) => !ELSEWHERE.includes(key)),
);
const ENGINE_KEYS = Object.keys(ENGINE_SETTINGS);

const SECTIONS: readonly Section[] = [
  {
    title: 'recipe',
    about:
      'The keys of `recipe`, in `train` and `coordinate`: what decides the weights. Besides these it has `model` and `preset` ([library.md](library.md#what-a-run-is-given)).',
    options: RECIPE,
    resumes: true,
  },
  {
    title: 'Every run',
    about: 'Of `train` and `coordinate`.',
    options: KEPT_SETTINGS,
    resumes: true,
  },
  { title: 'train', about: 'Of `train` alone. A resumed run does not remember it.', options: TRAIN_WORKERS },
  {
    title: 'coordinate',
    about: 'Of `coordinate` alone. A resumed run does not remember them.',
    options: { ...COORDINATOR_WORKERS, ...COORDINATE_SETTINGS },
  },
  {
    title: 'Engine',
    about:
      'Of every function that computes: `train`, `coordinate`, `work`, `evaluate`, `predict`, `checkTraining` and `findLearningRate`. A resumed run keeps its value unless a new one is given.',
    options: ENGINE_SETTINGS,
  },
  {
    title: 'work',
    about: 'Of `work` alone.',
    options: Object.fromEntries(
      Object.entries(WORKER_SETTINGS).filter(([key]) => !ENGINE_KEYS.includes(key)),
    ),
  },
  { title: 'evaluate', about: 'Of `evaluate` alone.', options: EVALUATE_SETTINGS },
];

interface Column {
  readonly name: string;
  readonly cell: (entry: Entry) => string;
}

const COLUMNS: readonly Column[] = [
  { name: 'option', cell: (entry) => `\`${programName(entry)}\`` },
  { name: 'default', cell: ([, definition]) => defaultOf(definition) },
  { name: 'values', cell: ([, definition]) => escaped(valuesOf(definition)) },
  { name: 'meaning', cell: ([, definition]) => escaped(meaningOf(definition)) },
];
const RESUMED: Column = { name: 'resumed run', cell: ([, definition]) => resumeText(definition) };

function sectionText({ title, about, options, resumes = false }: Section): string {
  const columns = resumes ? [...COLUMNS.slice(0, -1), RESUMED, ...COLUMNS.slice(-1)] : COLUMNS;
  const rows = Object.entries(options).map((entry) => columns.map(({ cell }) => cell(entry)));
  const head = columns.map(({ name }) => name);
  return `## ${title}\n\n${about}\n\n${markdownTable(head, rows)}\n`;
}

function defaultOf({ default: byDefault, defaultText, unit }: OptionDefinition): string {
  if (defaultText !== undefined) return defaultText;
  if (byDefault === undefined) return '';
  return `\`${jsonText(unit === 'seconds' ? MS_PER_SECOND * Number(byDefault) : byDefault)}\``;
}

function valuesOf({ kind, unit, onlyWith, belowOption }: OptionDefinition): string {
  return [
    kindText(unit === 'seconds' ? inMilliseconds(kind) : kind),
    belowOption === undefined ? undefined : `below \`${belowOption}\``,
    onlyWith && conditionText(onlyWith),
  ]
    .filter((part) => part !== undefined)
    .join('; ');
}

/** As a program writes them: null where users write none, an array where they write commas. */
function kindText(kind: OptionDefinition['kind']): string {
  if (kind.kind === 'integers') return `an array of ascending integers of at least ${kind.min}`;
  return describeKind(kind).replace(/, or none$/, ', or null for none');
}

function conditionText({ option, is }: Condition): string {
  return `only with ${is.map((value) => `\`${option}: ${jsonText(value)}\``).join(' or ')}`;
}

/** The definition describes what a flag does: it turns a switch away from its default. */
function meaningOf({ kind, default: byDefault, help }: OptionDefinition): string {
  return kind.kind === 'switch' ? `${String(byDefault !== true)}: ${help}` : help;
}

function jsonText(value: unknown): string {
  return JSON.stringify(value);
}
