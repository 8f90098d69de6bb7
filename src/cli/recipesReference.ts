/** docs/recipes.md: the known recipes with their options. `npm run docs` writes the file; a test compares it. */

import { RECIPE_PRESETS, RECIPE_OPTIONS } from '../coordinator/index.js';
import type { RecipePreset } from '../coordinator/index.js';
import { valueText } from '../foundation/options/kind.js';
import { markdownTable } from '../foundation/options/reference.js';
import { flagOf, entriesOf, oppositeOf } from './options/optionTable.js';
import type { OptionEntry } from './options/optionTable.js';

/** As whoever has installed it calls it. */
const PROGRAM = 'lockstep';

export function recipesReference(): string {
  return [introduction(), tableOf(RECIPE_PRESETS), ...RECIPE_PRESETS.map(sectionOf)].join('\n');
}

const introduction = (): string => `# Recipes

Written by \`npm run docs\` from the files in \`src/coordinator/run/presets/\`.

A recipe is a set of options with a name, from a paper or tried by others or by us:

\`\`\`
${PROGRAM} train --recipe modern --dataset cifar10 --model resnet32 --test
${PROGRAM} train --recipe modern --epochs 60 --no-nesterov      # the rest as in modern
\`\`\`

Flags win over the file of \`--config\`, the file wins over the recipe, and the recipe wins over the defaults. A config file may
hold \`"recipe": "modern"\` itself. In a program: \`train({ recipe: { preset: 'modern', model: 'resnet32' }, data })\`.

The run folder holds the options that follow, one by one. A resumed run takes them from its checkpoint: it does not look the
recipe up again, so a later version may change a recipe without changing old runs. What a recipe does not say has its
default ([cli.md](cli.md)): its cell is empty below.

If you give another \`--batch-size\` and the recipe's micro-batch does not divide it, the micro-batch has its default.
`;

function tableOf(presets: readonly RecipePreset[]): string {
  const entries = entriesOf(RECIPE_OPTIONS).filter(({ key }) =>
    presets.some(({ options }) => key in options),
  );
  const rows = entries.map((entry) => [
    `\`${nameOf(entry)}\``,
    ...presets.map(({ options }) => cellOf(options[entry.key as keyof typeof options])),
  ]);
  const head = ['option', ...presets.map(({ name }) => `\`${name}\``)];
  return `${markdownTable(head, rows)}\n`;
}

/** A switch by the flag that turns it on. */
function nameOf(entry: OptionEntry): string {
  const isOnByDefault = entry.kind.kind === 'switch' && entry.default === true;
  return isOnByDefault ? oppositeOf(entry)! : flagOf(entry);
}

function cellOf(value: Parameters<typeof valueText>[0] | undefined): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return value === undefined ? '' : valueText(value);
}

function sectionOf({ name, summary, about }: RecipePreset): string {
  return `## ${name}\n\n${[`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`, ...about].join('\n\n')}\n`;
}
