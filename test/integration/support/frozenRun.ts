/**
 * Holds a run up at work. Whoever decides from outside that it is to stop (a cluster's scheduler) takes its own time, and a
 * short run would be over by then.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { lockOf } from '../../../src/coordinator/folder/lockHolder.js';
import { parseOwner } from '../../../src/coordinator/folder/lockOwner.js';
import { until } from './lockstep.js';

/**
 * Stops the process that holds the run folder, and lets it go on once the signal waits for it or somebody else has let it go on.
 * @param signal what the process is to be sent meanwhile
 */
export async function heldUntilSent(
  signal: NodeJS.Signals,
  runDir: string,
  send: () => unknown,
  limitMs: number,
): Promise<void> {
  const pid = holderOf(runDir);
  process.kill(pid, 'SIGSTOP');
  await until(`process ${pid} is stopped`, () => isStopped(pid), limitMs);
  send();
  const sent = (): boolean => !isStopped(pid) || isPending(pid, signal);
  await until(`process ${pid} is sent ${signal}`, sent, limitMs);
  if (isStopped(pid)) process.kill(pid, 'SIGCONT');
}

function holderOf(runDir: string): number {
  const [name] = readdirSync(lockOf(runDir));
  const owner = parseOwner(name ?? '');
  if (!owner) throw new Error(`nobody holds ${runDir}`);
  return owner.pid;
}

const isStopped = (pid: number): boolean => field(pid, 'State')?.startsWith('T') ?? false;

function isPending(pid: number, signal: NodeJS.Signals): boolean {
  const bit = 1n << BigInt(constants.signals[signal] - 1);
  return ['SigPnd', 'ShdPnd'].some((name) => (BigInt(`0x${field(pid, name) ?? '0'}`) & bit) !== 0n);
}

/** A field of /proc/PID/status; undefined if the process is gone. */
function field(pid: number, name: string): string | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1];
  } catch {
    return undefined;
  }
}
