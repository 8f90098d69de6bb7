/**
 * How many processors this process may use. Node respects the affinity mask, but before libuv 1.49 (Node 20) not a
 * container's quota. One thread per core of a large host would be too many for a small quota.
 */

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** @returns undefined if it cannot be read */
export type ReadText = (file: string) => string | undefined;

const CGROUPS = '/sys/fs/cgroup';

export function usableProcessors(available = availableParallelism(), readText = readIfThere): number {
  const quota = Math.min(...cgroupFolders(readText).map((folder) => quotaOf(folder, readText)));
  return Math.max(1, Math.min(available, Math.floor(quota)));
}

/** The control groups of this process and their parents: each may have a quota. */
function cgroupFolders(readText: ReadText): readonly string[] {
  const folders = [CGROUPS, `${CGROUPS}/cpu`, `${CGROUPS}/cpu,cpuacct`];
  for (const line of (readText('/proc/self/cgroup') ?? '').split('\n')) {
    // `0::/a/b` for version 2, `4:cpu,cpuacct:/a/b` for version 1; see cgroups(7).
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    if (controllers !== '' && !controllers.split(',').includes('cpu')) continue;
    const root = controllers === '' ? CGROUPS : `${CGROUPS}/${controllers}`;
    let folder = root;
    for (const name of path.split('/').filter((part) => part !== '' && part !== '..')) {
      folder = `${folder}/${name}`;
      folders.push(folder);
    }
  }
  return folders;
}

/** @returns the quota in processors; infinite if there is none */
function quotaOf(folder: string, readText: ReadText): number {
  const [quota, period] = readText(`${folder}/cpu.max`)?.split(' ') ?? [
    readText(`${folder}/cpu.cfs_quota_us`),
    readText(`${folder}/cpu.cfs_period_us`),
  ];
  const processors = Number(quota) / Number(period); // `max 100000`, or -1, where there is none
  return processors > 0 ? processors : Infinity;
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
