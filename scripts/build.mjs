/**
 * `npm run build`: makes dist/ what src/ compiles to, and nothing else. Files without a source any more are removed.
 * If dist/ is up to date already, nothing is done. Each file is replaced as a whole, so a process that runs from dist/
 * meanwhile never reads half a file.
 */

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtFiles, filesIn, isBuilt, recordBuild, sourcesDigest } from './checkout.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Beside dist/, not in it: the paths in source maps depend on the depth. */
const NEW_PREFIX = '.dist-';

export class BuildError extends Error {}

/** @throws BuildError with the compiler's messages; dist/ then stays as it was */
export function build(root = ROOT) {
  if (isBuilt(root)) return;
  removeAbandoned(root);
  const sources = sourcesDigest(root);
  const folder = path.join(root, `${NEW_PREFIX}${process.pid}`);
  try {
    compile(root, folder);
    copyOtherFiles(path.join(root, 'src'), folder);
    bundlePages(root, folder);
    replaceBuilt(root, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  recordBuild(root, sources);
}

function compile(root, folder) {
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const args = [compiler, '-p', 'tsconfig.build.json', '--outDir', folder];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new BuildError(`src/ does not compile:\n${stdout}${stderr}`);
}

/** What browsers load is bundled from src/web, with what it needs of other packages. */
function bundlePages(root, folder) {
  if (!existsSync(path.join(root, 'src', 'web'))) return;
  const args = [path.join(root, 'scripts', 'bundlePage.mjs'), root, folder];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new BuildError(`src/web/ cannot be bundled:\n${stdout}${stderr}`);
}

/** The compiler leaves out what is not TypeScript. Files of pages are bundled. */
function copyOtherFiles(source, folder) {
  for (const name of filesIn(source, '.').filter(
    (file) => !file.endsWith('.ts') && !file.startsWith(`web${path.sep}`),
  )) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    copyFileSync(path.join(source, name), path.join(folder, name));
  }
}

function replaceBuilt(root, folder) {
  const dist = path.join(root, 'dist');
  const names = filesIn(folder, '.');
  for (const name of names) {
    const [from, to] = [path.join(folder, name), path.join(dist, name)];
    if (isSame(from, to)) continue;
    mkdirSync(path.dirname(to), { recursive: true });
    renameSync(from, to);
  }
  const wanted = new Set(names);
  for (const name of builtFiles(root).filter((file) => !wanted.has(file))) rmSync(path.join(dist, name));
}

function isSame(file, other) {
  return existsSync(other) && readFileSync(file).equals(readFileSync(other));
}

/** What builds left that were killed. */
function removeAbandoned(root) {
  for (const name of readdirSync(root).filter((entry) => entry.startsWith(NEW_PREFIX))) {
    if (!isAlive(Number(name.slice(NEW_PREFIX.length)))) {
      rmSync(path.join(root, name), { recursive: true, force: true });
    }
  }
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    build();
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
