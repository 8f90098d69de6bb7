/** The JavaScript and the sources of TensorFlow's binding, from npm. */

import { copyFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { LockstepError } from '../foundation/errors.js';
import { noRoom, saysDiskFull, writing } from './diskErrors.js';
import { tellingLine } from './programs.js';
import type { Programs } from './programs.js';

/** Where the package is in a folder that it was installed into. */
export const TFJS_NODE = path.join('node_modules', '@tensorflow', 'tfjs-node');
/** Measured. */
export const TFJS_NODE_MB = { download: 60, disk: 320 } as const;

/** A lock file under another name: npm leaves files of its own name out of a package. */
const ASSETS = { 'package.json': 'package.json', 'package-lock.json': 'packageLock.json' } as const;

/** Installs the versions of the lock file. None of the packages' scripts run. */
export async function installTfjsNode(programs: Programs, folder: string): Promise<void> {
  writing(folder, () => {
    for (const [name, asset] of Object.entries(ASSETS)) {
      copyFileSync(fileURLToPath(new URL(`assets/${asset}`, import.meta.url)), path.join(folder, name));
    }
  });
  const [command, args] = npm(programs.environment);
  const install = [...args, 'ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  const { succeeded, output } = await programs.run(command, install, { cwd: folder });
  if (succeeded) return;
  if (saysDiskFull(output)) {
    throw noRoom('the disk was full while npm installed tfjs-node');
  }
  throw new LockstepError(
    'E_SETUP',
    `npm could not install @tensorflow/tfjs-node: ${tellingLine(output)}; check the network and npm's registry (npm config get registry)`,
  );
}

/** The npm that runs this program, if one does. On Windows npm is a batch file, which only a shell could start. */
function npm(environment: NodeJS.ProcessEnv): readonly [string, readonly string[]] {
  const { npm_execpath: inherited = '' } = environment;
  const isNpm = /^(npm|npx)-cli\.c?js$/.test(path.basename(inherited));
  if (isNpm) return [process.execPath, [path.join(path.dirname(inherited), 'npm-cli.js')]];
  if (process.platform !== 'win32') return ['npm', []];
  const besideNode = path.join(path.dirname(process.execPath), 'node_modules', 'npm', 'bin', 'npm-cli.js');
  return [process.execPath, [besideNode]];
}
