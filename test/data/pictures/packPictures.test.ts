import { expect, it } from 'vitest';
import { notWritten, sizesThatDiffer } from '../../../src/data/pictures/packPictures.js';

it.each([
  ['EACCES', /; make the folder writable for this user, or name another folder in LOCKSTEP_CACHE_DIR$/],
  ['EPERM', /; make the folder writable for this user, or name another folder in LOCKSTEP_CACHE_DIR$/],
  ['EROFS', /; its file system is read-only: name another folder in LOCKSTEP_CACHE_DIR$/],
  ['ENOSPC', /; free some disk space, or name another folder in LOCKSTEP_CACHE_DIR$/],
  ['EDQUOT', /; free some disk space, or name another folder in LOCKSTEP_CACHE_DIR$/],
  ['EIO', /; check the path and the disk, or name another folder in LOCKSTEP_CACHE_DIR$/],
])('a cache folder that cannot be written for %s', (code, remedy) => {
  const error = notWritten('/cache/a.pack', Object.assign(new Error(code), { code }));
  expect(error).toMatchObject({ code: 'E_IO', message: expect.stringMatching(remedy) as string });
});

it.each([
  [1.2e6, 900_000_000, '1 MB', '900 MB'],
  [1_010_000, 1_049_000, '1.01 MB', '1.05 MB'],
  [1_000_001, 1_000_002, '1.000001 MB', '1.000002 MB'],
])('tells %i bytes from %i', (free, needed, ...texts) => {
  expect(sizesThatDiffer(free, needed)).toEqual(texts);
});
