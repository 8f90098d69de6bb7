import { describe, expect, it } from 'vitest';
import { cacheFolder } from '../../src/engine/cacheFolder.js';

describe('the folder of caches', () => {
  it.each<[NodeJS.Platform, Record<string, string>, string]>([
    ['linux', {}, '/home/me/.cache/lockstep'],
    ['linux', { XDG_CACHE_HOME: '/caches' }, '/caches/lockstep'],
    ['linux', { XDG_CACHE_HOME: 'relative' }, '/home/me/.cache/lockstep'],
    ['linux', { XDG_CACHE_HOME: '' }, '/home/me/.cache/lockstep'],
    ['linux', { XDG_CACHE_HOME: '/caches', LOCKSTEP_CACHE_DIR: '/mine' }, '/mine'],
    ['darwin', { XDG_CACHE_HOME: '/caches' }, '/home/me/Library/Caches/lockstep'],
    ['win32', { LOCALAPPDATA: 'C:\\Users\\me\\AppData\\Local' }, 'C:\\Users\\me\\AppData\\Local\\lockstep'],
  ])('on %s with %j is %s', (platform, environment, expected) => {
    expect(cacheFolder(environment, platform, '/home/me')).toBe(expected);
  });
});
