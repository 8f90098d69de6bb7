/** docs/library-options.md describes the options that the library's types have from their definitions. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { RECIPE_OPTIONS } from '../../src/coordinator/index.js';
import { coordinate, evaluate, train, work } from '../../src/index.js';
import { libraryOptionsReference } from '../../src/library/optionsReference.js';

const document = readFileSync(new URL('../../docs/library-options.md', import.meta.url), 'utf8');

const OF_EVERY_RUN = ['recipe', 'data', 'runDir', 'resume', 'test', 'onEvent', 'onDownload'];
const OF_COORDINATE = ['host', 'port', 'token', 'tls', 'ui', 'uiToken', 'join', 'joinToken'];

/** The options in the table below a heading. */
function optionsBelow(title: string): string[] {
  const section = document.split(`\n## ${title}\n`)[1]!.split('\n## ')[0]!;
  return [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, key]) => key!);
}

/** What a function says that it takes, when it refuses an option that does not exist. */
async function optionsOf(refusing: (options: never) => Promise<unknown>): Promise<string[]> {
  const message = await refusing({ nothing: 1 } as never).then(
    () => '',
    (error: unknown) => (error as Error).message,
  );
  return /it takes (.*)$/.exec(message)![1]!.split(', ');
}

describe('docs/library-options.md', () => {
  it('is what the definitions say (else: npm run docs)', () => {
    expect(libraryOptionsReference()).toBe(document);
  });

  it('has every key of a recipe that has no other form', () => {
    const others = ['dataset', 'model', 'coarseLabels', 'imageSize', 'channels', 'badImages'];
    const keys = Object.keys(RECIPE_OPTIONS).filter((key) => !others.includes(key));
    expect(optionsBelow('recipe')).toEqual(keys);
  });

  it.each([
    ['train', train, ['Every run', 'train', 'Engine'], OF_EVERY_RUN],
    ['coordinate', coordinate, ['Every run', 'coordinate', 'Engine'], [...OF_EVERY_RUN, ...OF_COORDINATE]],
    ['work', work, ['work', 'Engine'], ['url', 'token', 'ca', 'proxy', 'onStatus', 'onNotice']],
    ['evaluate', evaluate, ['evaluate', 'Engine'], ['checkpoint', 'data', 'onNotice']],
  ])('has what %s takes, but for what the types describe', async (_, refusing, titles, described) => {
    const expected = [...titles.flatMap(optionsBelow), ...described, 'cacheDir', 'signal'];
    expect((await optionsOf(refusing)).sort()).toEqual(expected.sort());
  });

  it('speaks of no flag and of no variable of the environment', () => {
    expect(document).not.toMatch(/--[a-z]|LOCKSTEP_/);
  });

  it('gives durations in milliseconds, and says for which value a switch does what', () => {
    expect(document).toMatch(/^\| `waitTimeoutMs` \| `300000` \| a number of milliseconds above 0/m);
    expect(document).toMatch(/^\| `tune` \| `true` \| true or false \| false: do not measure/m);
    expect(document).toMatch(/^\| `save` \| `false` \| true or false \| true: keep/m);
  });
});
