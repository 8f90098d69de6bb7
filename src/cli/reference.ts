/**
 * docs/cli.md: every command with its options, from the declarations that the commands themselves use. `npm run docs`
 * writes the file; a test compares it.
 */

import type { Command, Option } from 'commander';
import type { Condition } from '../foundation/options/definition.js';
import { describeKind, valueText } from '../foundation/options/kind.js';
import { escaped, markdownTable, resumeText } from '../foundation/options/reference.js';
import { flagOf, OPTIONS_BY_KEY } from './options/optionTable.js';
import type { OptionEntry } from './options/optionTable.js';
import { definitionOf } from './options/trainingOptions.js';

export function cliReference(program: Command): string {
  return [INTRODUCTION, ...leafCommands(program).map(([name, command]) => sectionOf(name, command))].join(
    '\n',
  );
}

const INTRODUCTION = `# The command line

Written by \`npm run docs\` from the definitions in the code. \`lockstep COMMAND --help\` prints a shorter version;
\`lockstep --version\` prints the version.

Columns of the tables:

- **default**: empty where the option has no value unless it is given.
- **values**: what is accepted. Flags, config files, \`config.json\` of a run, checkpoints and the library have the same bounds.
- **weights**: whether the trained weights depend on the option. *yes*: the option is part of the recipe, and equal recipes
  give equal bits. *by numerics class*: the option chooses the engine's numerics class, or on \`webgpu\` the bits within one.
- **resumed run**: *kept*: another value is refused. *may change*: the run keeps its value unless a new one is given.
  *not remembered*: the option belongs to one session.

\`train\`, \`coordinator\`, \`launch\`, \`check\` and \`lr-find\` also read options from a JSON file (\`--config\`). Its keys are the flags in camel case:
\`{ "epochs": 20, "batchSize": 256, "augment": false }\`. A flag wins over the file.

Both win over the options of a known recipe (\`--recipe\`, [recipes.md](recipes.md)). So a switch of the recipe has its opposite, too:
\`--no-nesterov\` beside \`--nesterov\`.

Environment variables, over which flags win:

| variable | what it says |
| --- | --- |
| \`LOCKSTEP_DATA_DIR\` | where this machine has CIFAR; \`--config\` wins over it, and it wins over what a resumed or evaluated run remembers |
| \`LOCKSTEP_TOKEN\`, \`LOCKSTEP_JOIN_TOKEN\`, \`LOCKSTEP_UI_TOKEN\` | secrets: of a coordinator, of those who only attach workers, and of pages ([security.md](security.md)) |
| \`LOCKSTEP_CACHE_DIR\` | the folder for decoded pictures and for what was measured of a GPU |
| \`LOCKSTEP_TENSORFLOW_DIR\` | the folder that \`setup tensorflow\` fills and engine \`tensorflow\` is loaded from |
| \`HTTPS_PROXY\`, \`ALL_PROXY\`, \`NO_PROXY\` | the proxy for downloads and for workers, and the hosts that need none |
| \`NO_COLOR\` | set to anything: no colours in the terminal |
| \`MLFLOW_TRACKING_TOKEN\`, or \`…_USERNAME\` and \`…_PASSWORD\` | for \`--mlflow\` |
| \`CLEARML_API_ACCESS_KEY\`, \`CLEARML_API_SECRET_KEY\` | for \`--clearml\` |
`;

function leafCommands(command: Command, path: readonly string[] = []): (readonly [string, Command])[] {
  return command.commands.flatMap((child) => {
    const name = [...path, child.name()];
    return child.commands.length > 0 ? leafCommands(child, name) : [[name.join(' '), child] as const];
  });
}

function sectionOf(name: string, command: Command): string {
  const usage = [name, ...command.registeredArguments.map((argument) => `<${argument.name()}>`)].join(' ');
  const argumentLines = command.registeredArguments.map(
    (argument) => `\n\`<${argument.name()}>\`: ${argument.description}.\n`,
  );
  const columns = columnsOf(command);
  const tables = groupsOf(command).map(
    ([group, options]) => `\n### ${name}: ${group.toLowerCase()}\n\n${tableOf(options, columns)}\n`,
  );
  const head = `\n## lockstep ${usage}\n\n${sentence(command.description())}\n`;
  return `${head}${alsoAccepted(command)}${argumentLines.join('')}${tables.join('')}`;
}

/** `check` and `lr-find` take the options of a training, which their help leaves out. */
function alsoAccepted({ options }: Command): string {
  const takesHidden = options.some(({ hidden, long }) => hidden && long === '--epochs');
  return takesHidden ? '\nIt also takes the options of `train`, and names those that have no effect.\n' : '';
}

/** In the order in which they are declared; options without a definition last. */
function groupsOf(command: Command): [string, Option[]][] {
  const groups = new Map<string, Option[]>();
  const shown = command.options.filter(({ hidden }) => !hidden);
  for (const option of shown.sort((a, b) => Number(isBare(a)) - Number(isBare(b)))) {
    const group = definitionOf(option)?.group ?? 'More options';
    groups.set(group, [...(groups.get(group) ?? []), option]);
  }
  return [...groups];
}

function isBare(option: Option): boolean {
  return definitionOf(option) === undefined;
}

interface Column {
  readonly name: string;
  /** @param entry undefined for an option that no config file holds and no run remembers */
  readonly cell: (option: Option, entry: OptionEntry | undefined) => string;
}

const FLAGS: Column = { name: 'option', cell: ({ flags }) => `\`${flags}\`` };
const DEFAULT: Column = { name: 'default', cell: (_, entry) => (entry ? defaultOf(entry) : '') };
const VALUES: Column = { name: 'values', cell: (_, entry) => (entry ? escaped(valuesOf(entry)) : '') };
const WEIGHTS: Column = { name: 'weights', cell: (_, entry) => (entry ? weightsOf(entry) : 'no') };
const RESUMED: Column = {
  name: 'resumed run',
  cell: (_, entry) => (entry ? resumeText(entry) : 'not remembered'),
};
const MEANING: Column = { name: 'meaning', cell: ({ description }) => escaped(description) };

/** Only a command that trains has something to say of weights, and only one that resumes of resumed runs. */
function columnsOf({ options }: Command): readonly Column[] {
  const hasWeights = options.some((option) => (definitionOf(option)?.bits ?? 'no') !== 'no');
  const resumes = options.some(({ long, hidden }) => long === '--resume' && !hidden);
  return [FLAGS, DEFAULT, VALUES, ...(hasWeights ? [WEIGHTS] : []), ...(resumes ? [RESUMED] : []), MEANING];
}

function tableOf(options: readonly Option[], columns: readonly Column[]): string {
  const rows = options.map((option) => columns.map(({ cell }) => cell(option, definitionOf(option))));
  return markdownTable(
    columns.map(({ name }) => name),
    rows,
  );
}

function defaultOf({ kind, default: byDefault, defaultText }: OptionEntry): string {
  if (defaultText !== undefined) return defaultText;
  if (byDefault === undefined || byDefault === null || kind.kind === 'switch') return '';
  return `\`${valueText(byDefault)}\``;
}

function valuesOf({ kind, onlyWith, belowOption }: OptionEntry): string {
  const values = kind.kind === 'switch' ? '' : describeKind(kind);
  const condition = onlyWith === undefined ? '' : conditionText(onlyWith);
  const bound = belowOption === undefined ? '' : `below \`${flagOf(OPTIONS_BY_KEY.get(belowOption)!)}\``;
  return [values, bound, condition].filter((part) => part !== '').join('; ');
}

function weightsOf({ bits }: OptionEntry): string {
  return bits === 'recipe' ? 'yes' : bits === 'no' ? 'no' : `by ${bits}`;
}

function conditionText({ option, is }: Condition): string {
  const entry = OPTIONS_BY_KEY.get(option)!;
  const flag = flagOf(entry);
  if (entry.kind.kind !== 'switch') return `only with \`${flag} ${is.join('|')}\``;
  return is[0] === entry.default ? `not with \`${flag}\`` : `only with \`${flag}\``;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
