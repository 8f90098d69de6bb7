/** Processor time and memory of another process, as Linux reports them. */

import { readFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';

export interface ProcessorTime {
  readonly userMs: number;
  /** In the kernel: most of it copies between sockets. */
  readonly systemMs: number;
}

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

export function processorTime(pid: number): ProcessorTime {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the name in brackets, which may contain anything: count after it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const milliseconds = (field: number): number => (Number(fields[field]) * 1000) / TICKS_PER_SECOND;
  return { userMs: milliseconds(11), systemMs: milliseconds(12) }; // proc(5): utime, stime
}

export function residentBytes(pid: number): number {
  return statusBytes(pid, 'VmRSS');
}

/** The maximum since its start. */
export function peakResidentBytes(pid: number): number {
  return statusBytes(pid, 'VmHWM');
}

function statusBytes(pid: number, name: string): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(text)?.[1]) * 1024;
}
