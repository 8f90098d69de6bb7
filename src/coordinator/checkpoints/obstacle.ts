/** What can be told of a file or folder before it is made, so that no work is done whose result cannot be kept. */

import { accessSync, constants, lstatSync, statfsSync, statSync } from 'node:fs';
import path from 'node:path';
import { brokenLinkAt } from '../../data/index.js';
import { ioError } from './files.js';

/** @returns why nothing can be made at this path, or in this folder; undefined if nothing is known to prevent it */
export function obstacleAt(name: string): Error | undefined {
  const nearest = nearestThatExists(path.resolve(name));
  try {
    const broken = brokenLinkAt(nearest);
    if (broken) return broken;
    if (!statSync(nearest).isDirectory()) {
      return Object.assign(new Error(`${path.basename(nearest)} is a file`), { code: 'ENOTDIR' });
    }
    accessSync(nearest, constants.W_OK | constants.X_OK);
    return isFull(nearest)
      ? Object.assign(new Error(`the disk of ${nearest} is full`), { code: 'ENOSPC' })
      : undefined;
  } catch (error) {
    return error as Error;
  }
}

/** @throws LockstepError E_IO */
export function refuseObstacle(name: string): void {
  const obstacle = obstacleAt(name);
  if (obstacle) throw ioError(name, obstacle);
}

/** Not where the file system does not say: some report no blocks at all. */
function isFull(folder: string): boolean {
  const { bavail, blocks } = statfsSync(folder);
  return blocks > 0 && bavail === 0;
}

function nearestThatExists(name: string): string {
  let nearest = name;
  while (!isTaken(nearest) && path.dirname(nearest) !== nearest) nearest = path.dirname(nearest);
  return nearest;
}

/** By a link that leads nowhere, too: nothing can be made there. */
function isTaken(name: string): boolean {
  try {
    lstatSync(name);
    return true;
  } catch {
    return false;
  }
}
