/** The resident memory of another process while something is done to it. */

import { readFileSync } from 'node:fs';

/** In MiB, as the kernel counts it; undefined where there is no /proc, and once the process has ended. */
export function residentMiB(pid: number): number | undefined {
  try {
    const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return line ? Number(line[1]) / 1024 : undefined;
  } catch {
    return undefined;
  }
}

export interface MemoryWatch {
  readonly samplesMiB: readonly number[];
  stop(): void;
}

export function watchMemory(pid: number, everyMs = 250): MemoryWatch {
  const samplesMiB: number[] = [];
  const look = (): void => {
    const resident = residentMiB(pid);
    if (resident !== undefined) samplesMiB.push(resident);
  };
  look();
  const timer = setInterval(look, everyMs);
  return { samplesMiB, stop: () => clearInterval(timer) };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
