/** The keys of config.json in docs/run-folder.md. `npm run docs` writes these rows; a test compares them. */

import { RECIPE_OPTIONS } from '../coordinator/index.js';
import { DOOR_SETTINGS, RUN_SETTINGS } from '../session/index.js';

/** Beginnings of what the rows say, with the keys that each lists. */
const ROWS: readonly (readonly [meaning: string, keys: readonly string[]])[] = [
  ['the recipe:', Object.keys(RECIPE_OPTIONS)],
  ['settings that do not belong', [...Object.keys(RUN_SETTINGS), 'test', 'workers']],
  ["the coordinator's settings", Object.keys(DOOR_SETTINGS)],
];

/** The document with the keys of today's definitions. */
export function withConfigKeys(document: string): string {
  return document.replace(/^\| (`.*`) \| (.*) \|$/gm, (row, _keys, meaning: string) => {
    const keys = ROWS.find(([beginning]) => meaning.startsWith(beginning))?.[1];
    return keys === undefined ? row : `| ${keys.map((key) => `\`${key}\``).join(', ')} | ${meaning} |`;
  });
}
