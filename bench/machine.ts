/** The machine that the numbers depend on, and whether it was idle. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { inRepository } from './repository.js';
import { sum } from './statistics.js';

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly node: string;
  readonly v8: string;
  readonly lockstepVersion: string;
  /** Null outside a git checkout. */
  readonly lockstepCommit: string | null;
  readonly uncommittedChanges: boolean;
}

export function describeMachine(): Machine {
  const { version } = JSON.parse(readFileSync(inRepository('package.json'), 'utf8')) as { version: string };
  return {
    processor: `${cpus()[0]?.model.trim() ?? 'unknown'}${processorFamily()}`,
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    system: `${type()} ${release()} ${process.arch}`,
    node: process.version,
    v8: process.versions.v8,
    lockstepVersion: version,
    lockstepCommit: git('rev-parse', '--short=12', 'HEAD') ?? null,
    uncommittedChanges: (git('status', '--porcelain') ?? '') !== '',
  };
}

/** Virtual machines often hide the processor's name, but not its family and model. */
function processorFamily(): string {
  try {
    const text = readFileSync('/proc/cpuinfo', 'utf8');
    const [family, model] = [/^cpu family\s*: (\d+)$/m, /^model\s*: (\d+)$/m].map(
      (line) => line.exec(text)?.[1],
    );
    return family === undefined || model === undefined ? '' : ` (family ${family}, model ${model})`;
  } catch {
    return '';
  }
}

function git(...args: readonly string[]): string | undefined {
  try {
    return execFileSync('git', args, {
      cwd: inRepository(),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return undefined;
  }
}

const PROBE_MS = 300;
const IDLE_CORES = 0.1;
const IDLE_LOAD = 0.5;

/** Measures, between runs, how many cores other programs use. */
export class IdleWatch {
  readonly loadAverageAtStart = loadavg()[0]!;
  private readonly busyCores: number[] = [];

  async probe(): Promise<void> {
    const before = cpuTimesMs();
    await sleep(PROBE_MS);
    const after = cpuTimesMs();
    const busyMs = after.busy - before.busy;
    this.busyCores.push((busyMs / Math.max(1, busyMs + after.idle - before.idle)) * cpus().length);
  }

  /** Cores that other programs used: the maximum of all probes, and the share of probes above a tenth of a core. */
  report(): { readonly mostBusyCores: number; readonly busyShare: number; readonly probes: number } {
    const probes = this.busyCores.length;
    const busy = this.busyCores.filter((cores) => cores > IDLE_CORES).length;
    return {
      mostBusyCores: Math.max(0, ...this.busyCores),
      busyShare: probes > 0 ? busy / probes : 0,
      probes,
    };
  }

  warnings(): string[] {
    const { mostBusyCores, busyShare, probes } = this.report();
    const load = this.loadAverageAtStart;
    return [
      ...(load > IDLE_LOAD
        ? [`the load average was ${load.toFixed(2)} at the start: the machine may not have been idle`]
        : []),
      ...(busyShare > 0
        ? [
            `other programs used up to ${mostBusyCores.toFixed(2)} cores between the runs ` +
              `(in ${(100 * busyShare).toFixed(0)} % of ${probes} probes): the machine was not idle`,
          ]
        : []),
    ];
  }
}

function cpuTimesMs(): { readonly busy: number; readonly idle: number } {
  const all = cpus().map(({ times }) => times);
  return {
    busy: sum(all.map(({ user, nice, sys, irq }) => user + nice + sys + irq)),
    idle: sum(all.map(({ idle }) => idle)),
  };
}
