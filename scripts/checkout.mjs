/** The state of a checkout: are its packages installed, is dist/ what src/ compiles to? Imports nothing but Node. */

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** What a build depends on. The lock file stands for the version of the compiler. */
const BUILD_INPUTS = ['src', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];
/** Written by the build after everything else: digests of what it read and of what it wrote. */
const BUILD_RECORD = '.build.json';
/** In dist/, but from another build: the benchmarks. */
const OTHER_BUILDS = ['bench'];

/** Whether everything in package-lock.json is there, including the build tools; optional packages may be missing. */
export function isInstalled(root) {
  const [lock, installed] = [path.join(root, 'package-lock.json'), path.join(root, 'node_modules')];
  if (isOlder(path.join(installed, '.package-lock.json'), lock)) return false;
  return Object.entries(JSON.parse(readFileSync(lock, 'utf8')).packages).every(
    ([folder, { optional }]) => optional === true || existsSync(path.join(root, folder, 'package.json')),
  );
}

function isOlder(file, reference) {
  return !existsSync(file) || statSync(file).mtimeMs < statSync(reference).mtimeMs;
}

/**
 * Compares contents, not times: a file that was moved, restored or deleted may be older than the build.
 * @returns whether dist/ holds what src/ compiles to, and nothing else
 */
export function isBuilt(root) {
  const record = readRecord(root);
  return record?.sources === sourcesDigest(root) && record.outputs === outputsDigest(root);
}

/** @param sources the digest from before the compiler read them, in case they change meanwhile */
export function recordBuild(root, sources) {
  const record = { sources, outputs: outputsDigest(root) };
  writeFileSync(path.join(root, 'dist', BUILD_RECORD), `${JSON.stringify(record)}\n`);
}

export function sourcesDigest(root) {
  return digest(
    root,
    BUILD_INPUTS.flatMap((name) => filesIn(root, name)),
  );
}

/** The files of the build in dist/, as paths within it. */
export function builtFiles(root) {
  const dist = path.join(root, 'dist');
  if (!existsSync(dist)) return [];
  const names = readdirSync(dist).filter((name) => name !== BUILD_RECORD && !OTHER_BUILDS.includes(name));
  return names.flatMap((name) => filesIn(dist, name));
}

/** For when dist/ must not be used: what the build wrote goes. */
export function removeBuilt(root) {
  for (const name of [BUILD_RECORD, ...builtFiles(root)])
    rmSync(path.join(root, 'dist', name), { force: true });
}

function outputsDigest(root) {
  return digest(path.join(root, 'dist'), builtFiles(root));
}

function readRecord(root) {
  try {
    return JSON.parse(readFileSync(path.join(root, 'dist', BUILD_RECORD), 'utf8'));
  } catch {
    return undefined; // not built, or not to the end
  }
}

/** A file, or all files of a folder, as paths from `root`. */
export function filesIn(root, name) {
  if (!statSync(path.join(root, name)).isDirectory()) return [name];
  const entries = readdirSync(path.join(root, name));
  return entries.flatMap((entry) => filesIn(root, path.join(name, entry)));
}

function digest(root, names) {
  const hash = createHash('sha256');
  for (const name of names.toSorted()) {
    const content = readFileSync(path.join(root, name));
    hash.update(`${name.replaceAll(path.sep, '/')}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}
