/** Where this user's caches lie, by the custom of each system. */

import { homedir } from 'node:os';
import path from 'node:path';

/** Names another folder. */
const VARIABLE = 'LOCKSTEP_CACHE_DIR';

/** @returns undefined for a user without a home, who has no caches */
export function cacheFolder(
  // eslint-disable-next-line no-restricted-properties -- a place on this machine, as each system's custom names it
  environment: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
  home = knownHome(),
): string | undefined {
  const { posix, win32 } = path;
  const given = (name: string): string | undefined =>
    environment[name] === '' ? undefined : environment[name];
  const own = given(VARIABLE);
  if (own !== undefined) return path.resolve(own);
  const rules = platform === 'win32' ? win32 : posix;
  const inHome = (...names: string[]): string | undefined =>
    home === undefined ? undefined : rules.join(home, ...names);
  const caches = (): string | undefined => {
    if (platform === 'win32') return given('LOCALAPPDATA') ?? inHome('AppData', 'Local');
    if (platform === 'darwin') return inHome('Library', 'Caches');
    const custom = given('XDG_CACHE_HOME');
    // The XDG Base Directory Specification has relative paths ignored.
    return custom !== undefined && posix.isAbsolute(custom) ? custom : inHome('.cache');
  };
  const folder = caches();
  return folder === undefined ? undefined : rules.join(folder, 'lockstep');
}

/** A user whom the system does not know, as in some containers, has none: Node throws then. */
function knownHome(): string | undefined {
  try {
    return homedir();
  } catch {
    return undefined;
  }
}
