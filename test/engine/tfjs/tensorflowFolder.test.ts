/** Where TensorFlow is set up, and looked for. */

import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, it, onTestFinished, vi } from 'vitest';
import { tensorflowFolder } from '../../../src/engine/index.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** As npm installs it, with as much of dist/ as is needed. */
async function installedFolder(): Promise<string | undefined> {
  const root = path.join(temporaryFolder(), 'node_modules', 'lockstep');
  mkdirSync(root, { recursive: true });
  writeFileSync(path.join(root, 'package.json'), '{ "type": "module" }');
  for (const name of ['foundation', 'engine/cacheFolder.js', 'engine/tfjs/optionalPackage.js', SOURCE])
    cpSync(path.join(ROOT, 'dist', name), path.join(root, 'dist', name), { recursive: true });
  const file = pathToFileURL(path.join(root, 'dist', SOURCE)).href;
  const found = (await import(file)) as { readonly tensorflowFolder: typeof tensorflowFolder };
  return found.tensorflowFolder();
}
const SOURCE = 'engine/tfjs/tensorflowPackage.js';

it('is in a checkout; for an installed package, whose folder npm replaces, in the user’s cache', async () => {
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.stubEnv('LOCKSTEP_TENSORFLOW_DIR', '');
  vi.stubEnv('LOCKSTEP_CACHE_DIR', path.resolve('/caches'));
  expect(tensorflowFolder()).toBe(path.join(ROOT, '.tensorflow'));
  expect(await installedFolder()).toBe(path.resolve('/caches/tensorflow'));
});

it('is the folder that LOCKSTEP_TENSORFLOW_DIR names', async () => {
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.stubEnv('LOCKSTEP_TENSORFLOW_DIR', path.resolve('/elsewhere'));
  expect(tensorflowFolder()).toBe(path.resolve('/elsewhere'));
  expect(await installedFolder()).toBe(path.resolve('/elsewhere'));
});
