/**
 * `npm start`: installs and builds what is missing or out of date, then trains a short recipe. Arguments are passed on:
 * `npm start -- --epochs 5`. May import only Node's own modules, since it runs before `npm ci`.
 */

import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { isBuilt, isInstalled } from './checkout.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const inRoot = (...parts) => path.join(ROOT, ...parts);

const PARENT_CHECK_MS = 500;
const NEXT = `lockstep: that was a short recipe. Next, in ${ROOT}:
  bin/lockstep train --help      every option, with examples
  README.md                      the recipe of the paper, more machines, stopping and resuming`;

checkNodeVersion();
if (!isInstalled(ROOT)) {
  // With the build tools, even if NODE_ENV=production.
  npm('installing what is needed (npm ci)', 'ci', '--include=dev', '--no-audit', '--no-fund');
}
if (!isBuilt(ROOT)) npm('building (npm run build)', 'run', 'build'); // npm ci does so, unless scripts are ignored
train(process.argv.slice(2));

function checkNodeVersion() {
  const wanted = JSON.parse(readFileSync(inRoot('package.json'), 'utf8')).engines.node;
  if (wanted.split('||').some(isNodeIn)) return;
  fail(
    `Node ${process.versions.node} is not supported: Lockstep needs ${wanted}. Install one from https://nodejs.org`,
  );
}

/** Whether this Node is in a range such as `^20.19.0` (20 only) or `>=24.0.0`. */
function isNodeIn(range) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [, operator, wantedMajor, wantedMinor] = range.match(/(\^|>=)(\d+)\.(\d+)/);
  if (major !== Number(wantedMajor)) return operator === '>=' && major > Number(wantedMajor);
  return minor >= Number(wantedMinor);
}

function npm(what, ...args) {
  console.log(`lockstep: ${what} …`);
  const inherited = process.env.npm_execpath; // npm's own script, when npm started this one
  const onWindows = process.platform === 'win32'; // npm is a batch file there, which needs a shell
  const { status, error } =
    inherited?.endsWith('.js') || inherited?.endsWith('.cjs')
      ? spawnSync(process.execPath, [inherited, ...args], { cwd: ROOT, stdio: 'inherit' })
      : spawnSync('npm', args, { cwd: ROOT, stdio: 'inherit', shell: onWindows });
  if (error) fail(`npm could not be started: ${error.message}`);
  if (status !== 0) fail(`npm ${args[0]} failed; its messages are above`, status ?? 1);
}

function train(args) {
  // A resumed run, and one with a config file, has its own settings.
  const hasOwnRecipe = args.some((arg) => /^--(resume|config)(=|$)/.test(arg));
  const recipe = hasOwnRecipe ? [] : ['--config', inRoot('scripts', 'quickstart.json')];
  const command = [inRoot('bin', 'lockstep'), 'train', ...recipe, ...args];
  const child = spawn(process.execPath, command, { stdio: 'inherit' });
  // The child saves before it ends. This process waits, and ends with the same status.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  if (process.env.npm_lifecycle_event !== undefined) stopWithNpm(child);
  child.on('error', (error) => fail(`training could not be started: ${error.message}`));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
    if (code === 0 && !args.includes('--json')) console.log(NEXT);
  });
}

/**
 * npm sends SIGTERM to the shell between it and this process, which dies without passing it on. A SIGHUP ends npm, too, but
 * without a terminal training ignores it (src/cli/process/stopSignal.ts).
 */
function stopWithNpm(child) {
  const { ppid } = process;
  const watch = setInterval(() => {
    if (process.ppid === ppid) return;
    clearInterval(watch);
    child.kill('SIGTERM');
  }, PARENT_CHECK_MS);
  process.once('SIGHUP', () => clearInterval(watch));
  child.on('exit', () => clearInterval(watch));
}

function fail(message, exitCode = 1) {
  console.error(`lockstep: ${message}`);
  process.exit(exitCode);
}
