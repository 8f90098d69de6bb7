/** Files of test/faults/preload/, which change a process from within. */

import { fileURLToPath } from 'node:url';

/** The environment of a process that loads the file before everything else. */
export function preload(name: string): { readonly NODE_OPTIONS: string } {
  const file = fileURLToPath(new URL(`../../faults/preload/${name}.mjs`, import.meta.url));
  return { NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import=${file}`.trim() };
}
