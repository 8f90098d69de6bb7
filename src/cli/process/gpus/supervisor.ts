/**
 * Child processes that are kept running: restarted with growing pauses when they die, asked to finish their work when
 * they are to end, and ended when this process ends for any reason (supervised.ts is their side of it).
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { ErrorCode } from '../../../foundation/errors.js';
import { SUPERVISED_VARIABLE } from './supervised.js';
import type { ChildMessage } from './supervised.js';

export interface ChildSpec {
  /** For people: `gpu0`. */
  readonly name: string;
  /** Script and arguments for Node. */
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
}

/** How a child ended for good. */
export type ChildEnd =
  { readonly kind: 'done' } | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string };

export interface SupervisorOptions {
  /** A line that a child printed. */
  readonly onLine: (name: string, line: string) => void;
  /** What the supervisor itself has to say of a child. */
  readonly onNotice: (name: string, message: string) => void;
  /** The pause before the first restart; it doubles with each death that follows without success in between. */
  readonly firstDelayMs?: number;
}

const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 30_000;
/** Deaths in a row, none of them after a connection, after which a child is given up. */
const MOST_FAILURES = 5;
/** How long a child may take to finish its work. */
const DRAIN_MS = 30_000;
/** Trying again would not help. */
const PERMANENT: ReadonlySet<ErrorCode> = new Set([
  'E_OPTION',
  'E_REFUSED',
  'E_PROTOCOL',
  'E_ENGINE_UNAVAILABLE',
  'E_CONNECTION',
]);

export class Supervisor {
  /** How each child ended for good, in the order of the specs. */
  readonly ended: Promise<readonly ChildEnd[]>;
  private readonly children: readonly SupervisedChild[];

  constructor(specs: readonly ChildSpec[], options: SupervisorOptions) {
    this.children = specs.map((spec) => new SupervisedChild(spec, options));
    this.ended = Promise.all(this.children.map(({ ended }) => ended));
  }

  /** Asks every child to finish work in progress and end; those that do not are killed. */
  async stop(): Promise<void> {
    for (const child of this.children) child.stop();
    await this.ended;
  }
}

/** One place among the children: one process after another. */
class SupervisedChild {
  readonly ended: Promise<ChildEnd>;
  private readonly stopping = new AbortController();
  private process: ChildProcess | undefined;

  constructor(
    private readonly spec: ChildSpec,
    private readonly options: SupervisorOptions,
  ) {
    this.ended = this.keepRunning();
  }

  stop(): void {
    if (this.stopping.signal.aborted) return;
    this.stopping.abort();
    const child = this.process;
    if (!child || hasEnded(child)) return; // a timer for one that has ended would keep this process alive
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), DRAIN_MS);
    child.once('exit', () => clearTimeout(killer));
  }

  private async keepRunning(): Promise<ChildEnd> {
    const { firstDelayMs = FIRST_DELAY_MS, onNotice } = this.options;
    for (let failures = 0; ;) {
      const life = await this.live();
      if (life.exitCode === 0 || this.stopping.signal.aborted) return { kind: 'done' };
      if (life.failure && PERMANENT.has(life.failure.code)) return { kind: 'failed', ...life.failure };
      failures = life.wasConnected ? 1 : failures + 1;
      if (failures >= MOST_FAILURES) {
        const message = `the process of ${this.spec.name} ended ${failures} times before it could work (${life.how}); its own messages say why`;
        return { kind: 'failed', code: 'E_ENGINE_FAILED', message };
      }
      const delayMs = Math.min(firstDelayMs * 2 ** (failures - 1), LONGEST_DELAY_MS);
      onNotice(this.spec.name, `ended (${life.how}); starting again in ${(delayMs / 1000).toFixed(1)} s`);
      await pause(delayMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- it may have changed during the pause
      if (this.stopping.signal.aborted) return { kind: 'done' };
    }
  }

  /** One process, from its start to its end. */
  private live(): Promise<Life> {
    const { name, args, environment } = this.spec;
    const child = spawn(process.execPath, [...process.execArgv.filter(isForAddressSpace), ...args], {
      env: { ...environment, [SUPERVISED_VARIABLE]: '1' },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true, // Ctrl-C reaches a terminal's whole group: these are to go on until they are asked
    });
    this.process = child;
    let wasConnected = false;
    let failure: Life['failure'];
    child.on('message', (message: ChildMessage) => {
      if (message.kind === 'connected') wasConnected = true;
      else failure = message;
    });
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => this.options.onLine(name, line));
    }
    return new Promise((resolve) => {
      const end = (exitCode: number | null, how: string): void =>
        resolve({ exitCode, how: failure?.message ?? how, wasConnected, failure });
      child.on('error', (error) => end(null, error.message));
      child.on('close', (exitCode, signal) =>
        end(exitCode, signal ?? `exit status ${exitCode ?? 'unknown'}`),
      );
    });
  }
}

/** A supervised process cannot give itself the flag as bin/lockstep does: it would lose the channel to this one. */
function isForAddressSpace(flag: string): boolean {
  return flag === '--disable-wasm-trap-handler';
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

interface Life {
  readonly exitCode: number | null;
  readonly how: string;
  readonly wasConnected: boolean;
  readonly failure: { readonly code: ErrorCode; readonly message: string } | undefined;
}
