/** What docs/security.md says of the supply chain. */

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const read = (file: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8'));

interface LockedPackage {
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
  readonly optional?: boolean;
}

const manifest = read('package.json') as Record<string, Record<string, unknown> | undefined>;
const lock = read('package-lock.json') as { readonly packages: Readonly<Record<string, LockedPackage>> };
const locked = Object.entries(lock.packages).filter(([place]) => place !== '');

it('every package is pinned by a strong hash', () => {
  expect(locked.length).toBeGreaterThan(100);
  expect(locked.filter(([, { integrity }]) => !integrity?.startsWith('sha512-'))).toEqual([]);
});

it('the only packages with a script for their installation are optional ones that are told not to run it', () => {
  const withScripts = locked.filter(([, { hasInstallScript }]) => hasInstallScript);
  const forbidden = withScripts.map(([place]) => [place.replace('node_modules/', ''), false]);
  expect(manifest['allowScripts']).toEqual(Object.fromEntries(forbidden));
  expect(withScripts.filter(([, { optional }]) => !optional)).toEqual([]);
  const described = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');
  for (const [name] of forbidden) expect(described).toContain(String(name));
});

it('installing Lockstep itself runs its own build, and nothing else', () => {
  const scripts = manifest['scripts']!;
  // The file is not in the package: there, nothing runs.
  expect(scripts['prepare']).toBe(
    `node -e "require('node:fs').existsSync('scripts/build.mjs') && require('node:child_process').execSync('npm run build', { stdio: 'inherit' })"`,
  );
  expect(scripts['build']).toBe('node scripts/build.mjs');
  for (const hook of ['preinstall', 'install', 'postinstall', 'prebuild', 'postbuild', 'preprepare'])
    expect(scripts[hook]).toBeUndefined();
});
