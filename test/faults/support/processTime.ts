/** Whether a process's threads compute, as Linux accounts for it: a sign of work that no message gives. */

import { readdirSync, readFileSync } from 'node:fs';
import { untilTrue } from './within.js';

const ENOUGH_NS = 1_500_000;

/** Resolves when a thread other than the main one has computed for a while since the call, or `givenUp` says so. */
export async function untilBusy(pid: number, givenUp: () => boolean): Promise<void> {
  const before = timesOf(pid);
  await untilTrue('a thread computes', () => {
    if (givenUp()) return true;
    for (const [thread, ns] of timesOf(pid)) if (ns - (before.get(thread) ?? 0) > ENOUGH_NS) return true;
    return false;
  });
}

/** Nanoseconds of processor time by thread (proc(5), schedstat: the first field), without the main thread. */
function timesOf(pid: number): Map<string, number> {
  const times = new Map<string, number>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    if (thread === String(pid)) continue;
    try {
      times.set(thread, Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]));
    } catch {
      // It has ended meanwhile.
    }
  }
  return times;
}
