/** The installer that comes with @tensorflow/tfjs-node: an older TensorFlow, and a prebuilt binding where there is one. */

import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { run, tellingLine } from './programs.mjs';

/** A download that stands still for so long is given up. */
const PATIENCE_MS = 45_000;

/**
 * Leaves no trace if it fails.
 * @returns {Promise<string | undefined>} why it failed
 */
export async function ownInstall(root, { gpu, folder }) {
  const bin = path.join(folder, 'node_modules', '.bin');
  const script = path.join('scripts', 'install.js');
  const result = await run(process.execPath, [script, ...(gpu ? ['gpu', 'download'] : [])], {
    cwd: root,
    env: { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH}` },
    quiet: true,
    stalled: standsStill(root),
  });
  if (result.succeeded && readdirSync(path.join(root, 'lib')).length > 0) return undefined;
  removeOwnInstall(root);
  return tellingLine(result.output);
}

export function removeOwnInstall(root) {
  for (const name of ['deps', 'lib', 'build'])
    rmSync(path.join(root, name), { recursive: true, force: true });
}

/** Watches what arrives in `deps`, `lib` and `build`. */
function standsStill(root) {
  let lastBytes = -1;
  let sinceMs = performance.now();
  return () => {
    const bytes = ['deps', 'lib', 'build'].reduce((sum, name) => sum + folderBytes(path.join(root, name)), 0);
    if (bytes !== lastBytes) sinceMs = performance.now();
    lastBytes = bytes;
    return performance.now() - sinceMs > PATIENCE_MS;
  };
}

function folderBytes(folder) {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(path.join(entry.parentPath ?? entry.path, entry.name)).size, 0);
}
