/** The installer that comes with @tensorflow/tfjs-node: an older TensorFlow, and a prebuilt binding where there is one. */

import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { tellingLine } from './programs.js';
import type { Programs } from './programs.js';

/** Without progress for so long, a download is stopped. */
const STALL_LIMIT_MS = 45_000;
const WRITTEN_FOLDERS = ['deps', 'lib', 'build'] as const;

export interface InstallerOptions {
  readonly gpu: boolean;
  /** Where the package and its dependencies were installed. */
  readonly folder: string;
}

/**
 * Leaves nothing behind if it fails.
 * @param root of the package
 * @returns why it failed
 */
export async function runPackageInstaller(
  programs: Programs,
  root: string,
  { gpu, folder }: InstallerOptions,
): Promise<string | undefined> {
  const bin = path.join(folder, 'node_modules', '.bin');
  const script = path.join('scripts', 'install.js');
  const { succeeded, output } = await programs.run(
    process.execPath,
    [script, ...(gpu ? ['gpu', 'download'] : [])],
    {
      cwd: root,
      environment: { PATH: `${bin}${path.delimiter}${programs.environment['PATH'] ?? ''}` },
      hasStalled: stallWatch(root),
    },
  );
  if (succeeded && hasLibrary(root)) return undefined;
  removeInstalled(root);
  return tellingLine(output);
}

function hasLibrary(root: string): boolean {
  const folder = path.join(root, 'lib');
  return existsSync(folder) && readdirSync(folder).length > 0;
}

export function removeInstalled(root: string): void {
  for (const name of WRITTEN_FOLDERS) rmSync(path.join(root, name), { recursive: true, force: true });
}

/** @returns whether nothing has been written for a while */
function stallWatch(root: string): () => boolean {
  let lastBytes = -1;
  let sinceMs = performance.now();
  return () => {
    const bytes = WRITTEN_FOLDERS.reduce((sum, name) => sum + folderBytes(path.join(root, name)), 0);
    if (bytes !== lastBytes) sinceMs = performance.now();
    lastBytes = bytes;
    return performance.now() - sinceMs > STALL_LIMIT_MS;
  };
}

/** Files come and go while the installer works. */
function folderBytes(folder: string): number {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(path.join(folder, name), { throwIfNoEntry: false }))
    .reduce((sum, found) => sum + (found?.isFile() ? found.size : 0), 0);
}
