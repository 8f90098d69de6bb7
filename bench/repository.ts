/** Paths in the checkout, seen from the compiled scripts in dist/bench/bench/. */

import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export const inRepository = (...parts: readonly string[]): string => path.join(ROOT, ...parts);

/** A compiled script beside this one. */
export const besideThisScript = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
