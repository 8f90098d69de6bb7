/**
 * Compiles src/ before the tests where dist/ is missing or out of date: threads and other processes run that. `npm test`
 * has done so already, unless npm was told to run no scripts (`ignore-scripts`).
 */

import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isBuilt } from '../../scripts/checkout.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export default function build(): void {
  if (isBuilt(ROOT)) return;
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const args = [compiler, '-p', 'tsconfig.build.json'];
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) throw new Error(`src/ does not compile, and tests need what is compiled:\n${stdout}`);
}
