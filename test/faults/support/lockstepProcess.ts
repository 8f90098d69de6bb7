/** A real `lockstep` process in a process group of its own, and the `--json` events that it prints. */

import { createInterface } from 'node:readline';
import type { RunEvent } from '../../../src/coordinator/index.js';
import { start } from '../../integration/support/lockstep.js';
import type { Finished, Running } from '../../integration/support/lockstep.js';
import { standsStill } from '../../integration/support/standStill.js';
import { within } from './within.js';

/** As printed: the event and the wall-clock time that the process believed in. */
export type PrintedEvent = RunEvent & { readonly time: string };

export interface SeenEvent {
  readonly event: PrintedEvent;
  /** When it arrived here, by this process's `performance.now()`. */
  readonly atMs: number;
}

type Listener = (event: PrintedEvent) => void;

const alive = new Set<LockstepProcess>();

export class LockstepProcess {
  readonly startedMs = performance.now();
  readonly seen: SeenEvent[] = [];
  readonly finished: Promise<Finished>;
  private readonly running: Running;
  private readonly listeners = new Set<Listener>();
  private hasEnded = false;
  /** Seen once it has ended: from then on its number may be another group's. */
  private groupIsGone = false;

  constructor(
    readonly name: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ) {
    this.running = start(args, env, { ownGroup: true });
    alive.add(this);
    createInterface({ input: this.running.child.stdout! }).on('line', (line) => this.read(line));
    this.finished = this.running.finished.then((finished) => {
      this.hasEnded = true;
      this.groupIsAlive(); // looks for itself
      alive.delete(this);
      return finished;
    });
  }

  get pid(): number {
    return this.running.child.pid!;
  }

  get ended(): boolean {
    return this.hasEnded;
  }

  output(): string {
    return this.running.output();
  }

  kill(signal: NodeJS.Signals): void {
    this.running.kill(signal);
  }

  /** Calls back on every event from now on; returns what stops that. */
  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** The first event, past or to come, for which `matches` holds; rejects if the process ends without it. */
  until(what: string, matches: (event: PrintedEvent) => boolean): Promise<PrintedEvent> {
    const past = this.seen.find(({ event }) => matches(event));
    if (past) return Promise.resolve(past.event);
    const found = new Promise<PrintedEvent>((resolve, reject) => {
      const stop = this.listen((event) => {
        if (!matches(event)) return;
        stop();
        resolve(event);
      });
      void this.finished.then(({ exitCode, signal }) =>
        reject(
          new Error(
            `${this.name} ended (${exitCode ?? signal}) before ${what}\n${this.output().slice(-2000)}`,
          ),
        ),
      );
    });
    return within(what, found);
  }

  untilStep(step: number): Promise<PrintedEvent> {
    return this.until(`step ${step}`, (event) => event.event === 'step' && event.step >= step);
  }

  /** Resolves when it has stopped at what it was told to stand still at. @throws Error if it ends instead */
  standsStill(): Promise<void> {
    return standsStill(this.running);
  }

  /** Whether any process of its group is left, itself included. */
  groupIsAlive(): boolean {
    if (this.groupIsGone) return false;
    try {
      process.kill(-this.pid, 0);
      return true;
    } catch {
      this.groupIsGone = this.hasEnded;
      return false;
    }
  }

  killGroup(): void {
    if (this.groupIsGone) return;
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // Nobody is left.
    }
  }

  private read(line: string): void {
    let event: PrintedEvent;
    try {
      event = JSON.parse(line) as PrintedEvent;
    } catch {
      return; // a node's plain words, or half a line of a process that was killed
    }
    this.seen.push({ event, atMs: performance.now() });
    for (const listener of [...this.listeners]) listener(event);
  }
}

/** Whatever happens to the test, its processes must not outlive it. */
process.on('exit', () => {
  for (const left of alive) left.killGroup();
});
