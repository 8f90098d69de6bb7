import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readRegularFile } from '../../src/data/regularFile.js';
import { temporaryFolder } from './cifar10Fixtures.js';

const anySize = (): void => undefined;

describe('readRegularFile', () => {
  it('reads a file as it is', async () => {
    const path = join(await temporaryFolder(), 'file');
    for (const content of ['', 'abc']) {
      await writeFile(path, content);
      expect((await readRegularFile(path, anySize)).toString()).toBe(content);
    }
  });

  it('leaves it to the caller to refuse a size', async () => {
    const path = join(await temporaryFolder(), 'file');
    await writeFile(path, 'abc');
    const refuse = (byteCount: number): void => {
      throw new Error(`${byteCount} bytes are too many`);
    };
    await expect(readRegularFile(path, refuse)).rejects.toThrow('3 bytes are too many');
  });

  it('refuses a folder, and a file that is not there', async () => {
    const folder = await temporaryFolder();
    await expect(readRegularFile(folder, anySize)).rejects.toThrow(/folder|EISDIR|EPERM/);
    await expect(readRegularFile(join(folder, 'none'), anySize)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it.skipIf(process.platform === 'win32')('waits for nobody to write into a pipe', async () => {
    const path = join(await temporaryFolder(), 'pipe');
    execFileSync('mkfifo', [path]);
    await expect(readRegularFile(path, anySize)).rejects.toThrow(/not a regular file/);
  });

  it.skipIf(process.platform !== 'linux')('refuses a device', async () => {
    await expect(readRegularFile('/dev/zero', anySize)).rejects.toThrow(/not a regular file/);
  });
});
