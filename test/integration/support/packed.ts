/** Lockstep as `npm pack` makes it, installed in an empty project. */

import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { REPOSITORY } from './lockstep.js';

const execute = promisify(execFile);

/** What decides where npm fetches from. All else that npm told this process is about the checkout. */
const KEPT = /^npm_config_(registry|cache|userconfig|globalconfig|cafile|https?_proxy|noproxy)$/i;
const ENVIRONMENT = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name) || KEPT.test(name)),
);

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** @throws Error with all that was printed, for another exit code than 0 */
export async function runIn(folder: string, program: string, ...args: readonly string[]): Promise<Output> {
  try {
    return await execute(program, args, { cwd: folder, env: ENVIRONMENT, maxBuffer: 1 << 26 });
  } catch (error) {
    const { message, stdout = '', stderr = '' } = error as Error & Partial<Output>;
    throw new Error(`${message}\n${stdout}${stderr}`, { cause: error });
  }
}

/** A program of the checkout's own development packages. */
export function tool(folder: string, name: string, ...args: readonly string[]): Promise<Output> {
  return runIn(folder, path.join(REPOSITORY, 'node_modules', '.bin', name), ...args);
}

/** Whether a package can be installed at all: a registry answers, or the cache has it. */
export async function canInstall(folder: string): Promise<boolean> {
  const project = emptyProject(path.join(folder, 'probe'));
  return runIn(project, 'npm', 'install', '--no-audit', '--prefer-offline', 'ws@^8').then(
    () => true,
    () => false,
  );
}

export interface Packed {
  readonly tarball: string;
  /** Paths in the package. */
  readonly files: readonly string[];
}

/** What the files that go into the package, or that it is built from, are called in the checkout. */
const INGREDIENTS = [
  ...['package.json', 'package-lock.json', 'README.md', 'LICENSE', 'CHANGELOG.md', '.npmrc'],
  ...['bin', 'docs', 'examples', 'scripts', 'src', 'tsconfig.json', 'tsconfig.build.json'],
];

/** Packs a copy, so that the package holds what is built from src/ now, and the checkout's dist/ stays as it is. */
export async function pack(folder: string): Promise<Packed> {
  const copy = path.join(folder, 'checkout');
  mkdirSync(copy);
  for (const name of INGREDIENTS)
    cpSync(path.join(REPOSITORY, name), path.join(copy, name), { recursive: true });
  symlinkSync(path.join(REPOSITORY, 'node_modules'), path.join(copy, 'node_modules'));
  await runIn(copy, 'npm', 'run', 'build');
  const { stdout } = await runIn(copy, 'npm', 'pack', '--json', '--ignore-scripts');
  const [packed] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
  return { tarball: path.join(copy, packed!.filename), files: packed!.files.map((file) => file.path) };
}

/** @returns the folder of a project that has the package and nothing else */
export async function install(tarball: string, folder: string): Promise<string> {
  const project = emptyProject(path.join(folder, 'project'));
  await runIn(project, 'npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', tarball);
  return project;
}

function emptyProject(folder: string): string {
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ type: 'module', private: true }));
  return folder;
}
