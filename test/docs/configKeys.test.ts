/** docs/run-folder.md lists the keys of config.json. */

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { withConfigKeys } from '../../src/cli/configKeys.js';
import { RECIPE_OPTIONS } from '../../src/coordinator/index.js';
import { DOOR_SETTINGS, HEARTBEAT_SETTINGS, RUN_CONFIG_KEYS, RUN_SETTINGS } from '../../src/session/index.js';

const document = readFileSync(new URL('../../docs/run-folder.md', import.meta.url), 'utf8');
const section = document.split('\n## config.json\n')[1]!.split('\n## ')[0]!;

interface Row {
  readonly keys: readonly string[];
  readonly meaning: string;
}

const rows = [...section.matchAll(/^\| (`.*`) \| (.*) \|$/gm)].map(([, keys, meaning]): Row => ({
  keys: [...keys!.matchAll(/`(\w+)`/g)].map(([, key]) => key!),
  meaning: meaning!,
}));

it('lists the keys of the definitions (else: npm run docs)', () => {
  expect(withConfigKeys(document)).toBe(document);
});

it('has each option of the recipe in the row of the recipe, and no other', () => {
  const recipe = rows.find(({ meaning }) => meaning.startsWith('the recipe'))!;
  expect([...recipe.keys].sort()).toEqual(Object.keys(RECIPE_OPTIONS).sort());
});

it('has each setting that a run keeps, and what is no option', () => {
  const kept = [RUN_SETTINGS, DOOR_SETTINGS, HEARTBEAT_SETTINGS].flatMap((settings) => Object.keys(settings));
  const described = new Set(rows.flatMap(({ keys }) => keys));
  expect([...kept, ...RUN_CONFIG_KEYS].filter((key) => key !== 'token' && !described.has(key))).toEqual([]);
});
