/** Many hostile visits at a time, counted by kind. */

import { hostileVisit, kindOfVisit, LINGERING } from './visits.js';
import type { Target, Visit } from './visits.js';

export interface StormOptions {
  readonly seed: number;
  readonly visits: number;
  readonly atATime: number;
  /** Leave out the visitors who stay until a time limit ends them. */
  readonly inHaste?: boolean;
}

export interface KindCount {
  connections: number;
  frames: number;
  /** Connections that the coordinator ended, of those above. */
  endedByCoordinator: number;
}

export type StormCount = Map<string, KindCount>;

/** Resolves when the last visitor has gone, the lingering ones included. */
export async function storm(
  target: Target,
  { seed, visits, atATime, inHaste = false }: StormOptions,
): Promise<StormCount> {
  const counts: StormCount = new Map();
  const lingering: Promise<void>[] = [];
  const add = ({ kind, frames, endedByCoordinator }: Visit): void => {
    const count = counts.get(kind) ?? { connections: 0, frames: 0, endedByCoordinator: 0 };
    count.connections++;
    count.frames += frames;
    if (endedByCoordinator) count.endedByCoordinator++;
    counts.set(kind, count);
  };
  let next = 0;
  const visitor = async (): Promise<void> => {
    for (let index = next++; index < visits; index = next++) {
      const lingers = LINGERING.has(kindOfVisit(seed, index));
      if (lingers && inHaste) continue;
      const visit = hostileVisit(target, seed, index).then(add);
      if (lingers) lingering.push(visit);
      else await visit;
    }
  };
  await Promise.all(Array.from({ length: atATime }, visitor));
  await Promise.all(lingering);
  return counts;
}

export function totals(counts: StormCount): KindCount {
  const sum = { connections: 0, frames: 0, endedByCoordinator: 0 };
  for (const { connections, frames, endedByCoordinator } of counts.values()) {
    sum.connections += connections;
    sum.frames += frames;
    sum.endedByCoordinator += endedByCoordinator;
  }
  return sum;
}
