/** A machine with two GPUs, as far as `nvidia-smi` can tell. */

import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from './lockstep.js';

export const FAKE_UUIDS = ['GPU-0000-a', 'GPU-0000-b'] as const;

/** What to start a command with. */
export function fakeGpuEnvironment(): Record<string, string> {
  const folder = temporaryFolder();
  const program = path.join(folder, 'nvidia-smi');
  const lines = FAKE_UUIDS.map((uuid, index) => `echo '${index}, NVIDIA Fake 80GB, ${uuid}'`);
  writeFileSync(program, ['#!/bin/sh', ...lines, ''].join('\n'));
  chmodSync(program, 0o755);
  return { PATH: `${folder}${path.delimiter}${process.env['PATH'] ?? ''}` };
}

export interface ChildProcess {
  readonly pid: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly args: readonly string[];
}

/** The worker processes that a process has started, as the kernel tells (Linux). */
export function workersOf(parentPid: number): ChildProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        if (Number(parent) !== parentPid || state === 'Z') return [];
        const words = (file: string): string[] => readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0');
        const args = words('cmdline');
        if (!args.includes('worker')) return [];
        const environment = Object.fromEntries(
          words('environ').map((entry) => [entry.split('=')[0]!, entry.slice(entry.indexOf('=') + 1)]),
        );
        return [{ pid, environment, args }];
      } catch {
        return []; // it ended meanwhile
      }
    });
}

/** Whether a process is there and not merely waiting to be reaped. */
export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    return false;
  }
}
