import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/temporaryFolder.js';

const NPMRC = fileURLToPath(new URL('../../.npmrc', import.meta.url));
const hasNpm = spawnSync('npm', ['--version'], { shell: process.platform === 'win32' }).status === 0;

describe.skipIf(!hasNpm)('npm with the settings of this repository', () => {
  it('installs the development packages, which building needs, where NODE_ENV says production', () => {
    const root = temporaryFolder();
    const write = (name: string, content: object): void =>
      writeFileSync(path.join(root, name), JSON.stringify(content));
    copyFileSync(NPMRC, path.join(root, '.npmrc'));
    mkdirSync(path.join(root, 'compiler'));
    write('compiler/package.json', { name: 'compiler', version: '1.0.0' });
    write('package.json', { name: 'x', version: '1.0.0', devDependencies: { compiler: 'file:./compiler' } });
    const { status, stderr } = spawnSync('npm', ['install', '--offline', '--no-audit'], {
      cwd: root,
      env: { ...process.env, NODE_ENV: 'production', npm_config_omit: '' },
      encoding: 'utf8',
      shell: process.platform === 'win32',
    });
    expect(status, stderr).toBe(0);
    expect(existsSync(path.join(root, 'node_modules', 'compiler'))).toBe(true);
  });
});
