/** Where this user's caches lie, by the custom of each system. */

import { homedir } from 'node:os';
import path from 'node:path';

/** Where they lie instead. */
const VARIABLE = 'LOCKSTEP_CACHE_DIR';

export function cacheFolder(
  environment: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
  home = homedir(),
): string {
  const { posix, win32 } = path;
  const given = (name: string): string | undefined =>
    environment[name] === '' ? undefined : environment[name];
  const own = given(VARIABLE);
  if (own !== undefined) return path.resolve(own);
  if (platform === 'win32') {
    return win32.join(given('LOCALAPPDATA') ?? win32.join(home, 'AppData', 'Local'), 'lockstep');
  }
  if (platform === 'darwin') return posix.join(home, 'Library', 'Caches', 'lockstep');
  const custom = given('XDG_CACHE_HOME');
  // The XDG Base Directory Specification has relative paths ignored.
  const isUsable = custom !== undefined && posix.isAbsolute(custom);
  return posix.join(isUsable ? custom : posix.join(home, '.cache'), 'lockstep');
}
