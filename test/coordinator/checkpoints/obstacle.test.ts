import { execFileSync } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { refuseFilledFolder, refuseObstacle } from '../../../src/coordinator/index.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

it('lets pass what can be made, however deep, and what is there and empty', () => {
  const folder = temporaryFolder();
  refuseObstacle(path.join(folder, 'a', 'b', 'c'));
  refuseFilledFolder(folder);
});

it('names what is in the way', () => {
  const folder = temporaryFolder();
  writeFileSync(path.join(folder, 'file'), '');
  symlinkSync('nowhere', path.join(folder, 'link'));
  for (const refuse of [refuseObstacle, refuseFilledFolder]) {
    expect(() => refuse(path.join(folder, 'file', 'deeper'))).toThrow(/file is a file.*choose another path/);
    expect(() => refuse(path.join(folder, 'link', 'deeper'))).toThrow(
      /is a link to nowhere, which does not exist/,
    );
  }
});

/** Mounting needs rights that not everyone has. */
function mountTiny(): string | undefined {
  const disk = temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', disk], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  onTestFinished(() => void execFileSync('umount', ['-l', disk]));
  return disk;
}

it('refuses a disk that is full', ({ skip }) => {
  const disk = mountTiny();
  if (disk === undefined) return skip('no right to mount');
  refuseObstacle(path.join(disk, 'new'));
  expect(() => {
    for (let part = 0; ; part++) writeFileSync(path.join(disk, `filler${part}`), Buffer.alloc(4096));
  }).toThrow(/ENOSPC/);
  expect(() => refuseObstacle(path.join(disk, 'new'))).toThrow(
    /the disk of .* is full; free some disk space/,
  );
});
