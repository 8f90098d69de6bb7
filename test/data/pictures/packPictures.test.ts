import { expect, it } from 'vitest';
import { notWritten } from '../../../src/data/pictures/packPictures.js';

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
