/** What the model card says, as a reader of Markdown sees it. */

import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { modelCard } from '../../src/export/index.js';
import type { ModelFacts } from '../../src/export/index.js';
import { buildModel } from '../../src/model/index.js';
import { LOCKSTEP_VERSION } from '../../src/protocol/index.js';
import type { Recipe } from '../../src/coordinator/index.js';
import { exportedModel } from '../support/exportedNetworks.js';
import { recipe } from '../support/recipes.js';

/** Of the package that makes the library's pages. */
const MarkdownIt = createRequire(createRequire(import.meta.url).resolve('typedoc'))(
  'markdown-it',
) as new () => { readonly render: (text: string) => string };

function card(
  change: Partial<Recipe>,
  facts: Partial<ModelFacts> = {},
  classNames: readonly string[] = ['cat', 'dog'],
): string {
  const model = { ...buildModel('resnet8'), classNames, classCount: classNames.length };
  return modelCard(exportedModel(model), 'pytorch', {
    ...{ recipe: recipe(change), dataFolder: undefined, epoch: 2 },
    ...{ validationAccuracy: undefined, test: undefined, samples: undefined, numericsClasses: ['f32'] },
    ...facts,
  });
}

/** Text as a browser shows it. */
function shown(markdown: string): string {
  const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', amp: '&' };
  return new MarkdownIt()
    .render(markdown)
    .replace(/<[^>]*>/g, '')
    .replace(/&(lt|gt|quot|amp);/g, (_, name: string) => entities[name]!);
}

describe('training it again', () => {
  const commandOf = (text: string): string | undefined => /^bin\/lockstep train.*$/m.exec(text)?.[0];

  it('begins in a checkout of this version, and asks no registry', () => {
    const text = card({ dataset: 'cifar10' });
    expect(text).toContain(`In a checkout of Lockstep ${LOCKSTEP_VERSION}`);
    expect(commandOf(text)).toBe('bin/lockstep train --config …/recipe.json');
    expect(text).toContain('`bin/lockstep data download`');
    expect(text).not.toContain('npx');
  });

  it('has a place for the data in a folder, and for the weights that it began with', () => {
    const digest = `sha256:${'b'.repeat(64)}`;
    const text = card({ dataset: 'folder', init: digest }, { dataFolder: 'my pets' });
    expect(commandOf(text)).toBe(
      "bin/lockstep train --config …/recipe.json --data-dir '…/my pets' --init …/weights",
    );
    expect(shown(text)).toMatch(
      new RegExp(`in place of each … the folder .* …/weights are those .*${digest}`),
    );
    expect(shown(text)).toMatch(/my pets \(folder\), 2 classes/);
    expect(commandOf(card({ dataset: 'idx' }))).toContain('--data-dir …/data');
  });

  it('says that the command line cannot have the data of a program', () => {
    const text = card({ dataset: 'mine' });
    expect(commandOf(text)).toBeUndefined();
    expect(text).toContain('a program brought the data `mine`, and the command line cannot have them');
  });
});

describe('preparation', () => {
  it('says how pictures became images', () => {
    const text = shown(card({ dataset: 'folder', imageSize: 64, channels: 'colour' }));
    expect(text).toMatch(/largest centred square .* 64 x 64 by a triangle filter .* resize with BILINEAR/);
    expect(text).toContain('Transparent places become white');
    expect(text).toContain('Grey pictures have the same value in red, green and blue');
    expect(shown(card({ dataset: 'folder', channels: 'grey' }))).toContain('ITU-R BT.601');
  });

  it('says nothing of pictures for data that are images already', () => {
    expect(card({ dataset: 'cifar10' })).not.toContain('centred square');
  });
});

it.each(['`back`tick|pipe\\', '\\|', '`', '<b>bold</b>', '*_x_*', ' led', '&lt;', '[a](http://x)', '1. #'])(
  'shows what others call things as it is: %j',
  (name) => {
    const text = shown(card({ dataset: 'folder' }, { dataFolder: name }, [name, 'dog']));
    expect(text).toContain(`\n${name.trim()}`);
    expect(text).toContain(`${name.trim()} (folder), 2 classes`);
  },
);
