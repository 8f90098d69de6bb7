/** What a checkout has: whether its packages are installed, and its sources compiled. Imports nothing but Node. */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

/** Whether everything in package-lock.json is there, the tools for building included; optional packages may be missing. */
export function isInstalled(root) {
  const [lock, installed] = [path.join(root, 'package-lock.json'), path.join(root, 'node_modules')];
  if (isOlder(path.join(installed, '.package-lock.json'), [lock])) return false;
  return Object.entries(JSON.parse(readFileSync(lock, 'utf8')).packages).every(
    ([folder, { optional }]) => optional === true || existsSync(path.join(root, folder, 'package.json')),
  );
}

export function isBuilt(root) {
  const sources = ['src', 'tsconfig.json', 'tsconfig.build.json'].map((name) => path.join(root, name));
  return !isOlder(path.join(root, 'dist', 'cli', 'main.js'), sources);
}

/** Whether a file is missing, or older than anything in the given files and folders. */
function isOlder(file, sources) {
  if (!existsSync(file)) return true;
  const madeAtMs = statSync(file).mtimeMs;
  return sources.some((source) => newestMs(source) > madeAtMs);
}

function newestMs(file) {
  const found = statSync(file);
  if (!found.isDirectory()) return found.mtimeMs;
  return Math.max(0, ...readdirSync(file).map((name) => newestMs(path.join(file, name))));
}
