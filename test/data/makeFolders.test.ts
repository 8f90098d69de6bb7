import { existsSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeFolders } from '../../src/data/makeFolders.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

describe('makeFolders', () => {
  it('makes what is missing, and tells the topmost of it', async () => {
    const root = temporaryFolder();
    const deep = path.join(root, 'a', 'b', 'c');
    expect(await makeFolders(deep)).toBe(path.join(root, 'a'));
    expect(statSync(deep).isDirectory()).toBe(true);
    expect(await makeFolders(deep)).toBeUndefined();
  });

  it('does so beside others that make the same', async () => {
    const root = temporaryFolder();
    const folders = Array.from({ length: 20 }, (_, index) => path.join(root, 'a', 'b', String(index % 3)));
    await Promise.all(folders.map(makeFolders));
    for (const folder of folders) expect(existsSync(folder)).toBe(true);
  });

  it('refuses what is a file, and what is below one', async () => {
    const file = path.join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    await expect(makeFolders(file)).rejects.toThrow('is not a folder');
    await expect(makeFolders(path.join(file, 'inside'))).rejects.toThrow(/ENOTDIR|EEXIST|ENOENT/);
  });

  it.skipIf(!existsSync('/proc/self'))('comes to an end where nothing can be made', async () => {
    await expect(makeFolders('/proc/lockstep')).rejects.toThrow('ENOENT');
    await expect(makeFolders('/proc/lockstep/inside')).rejects.toThrow('ENOENT');
  });
});
