/**
 * Processes that stop by themselves once they have told a certain thing. What a test does then is in time on any machine,
 * however long it takes the test to see it: see test/faults/preload/standStill.mjs.
 */

import type { ChildProcess } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { until } from './lockstep.js';
import type { Running } from './lockstep.js';
import { preload } from './preload.js';

/** The environment of a process that stands still at each of these lines, one after another. */
export function standingStillAt(...lines: readonly RegExp[]): Readonly<Record<string, string>> {
  const patterns = lines.map(({ source }) => source);
  return { ...preload('standStill'), LOCKSTEP_TEST_STAND_STILL: JSON.stringify(patterns) };
}

/** That this step is done, as a line of `--json` and of metrics.jsonl says it. */
export function stepIsDone(step: number): RegExp {
  return new RegExp(`"event":"step","step":${step},`);
}

/** That `last` is saved as it was after this step or a later one: nothing is being written at that moment. */
export function lastIsSaved(fromStep: number, steps: number): RegExp {
  const range = Array.from({ length: steps - fromStep + 1 }, (_, index) => fromStep + index);
  return new RegExp(`"event":"checkpoint","step":(${range.join('|')}),"file":"[^"]*last`);
}

/** @throws Error if the process ends instead */
export async function standsStill({ child, output }: Pick<Running, 'child' | 'output'>): Promise<void> {
  await until('it stands still', () => hasEnded(child) || isStopped(child.pid!));
  if (hasEnded(child)) throw new Error(`it ended, and did not stand still\n${output().slice(-2000)}`);
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** All its threads: the last of them stops a moment after the signal. */
function isStopped(pid: number): boolean {
  try {
    if (process.platform !== 'linux') return psStateOf(pid).startsWith('T');
    return readdirSync(`/proc/${pid}/task`).every((thread) => threadStateOf(pid, thread) === 'T');
  } catch {
    return false; // it, or one of its threads, ended meanwhile
  }
}

/** The field behind the name in parentheses (proc(5), stat). */
function threadStateOf(pid: number, thread: string): string {
  const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2)[0]!;
}

function psStateOf(pid: number): string {
  return execFileSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' });
}
