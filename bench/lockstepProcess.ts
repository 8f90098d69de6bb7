/** One real `lockstep` process, observed by its JSON lines. */

import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { RunEvent } from '../src/coordinator/run/events.js';
import { inRepository } from './repository.js';

const SHOWN_CHARACTERS = 1500;
/** Ctrl-C and SIGTERM, after saving. */
const STOPPED = [130, 143];

type EventName = RunEvent['event'];
type EventOf<Name extends EventName> = Extract<RunEvent, { event: Name }>;

export class LockstepProcess {
  /** Resolves when the process has ended, with the reason if it failed. Rejects if it could not be started. */
  readonly ended: Promise<string | undefined>;
  private readonly child: ChildProcessByStdio<null, Readable, Readable>;
  private readonly seen: RunEvent[] = [];
  private readonly watchers = new Set<(event: RunEvent) => void>();
  private errorText = '';

  constructor(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, [inRepository('bin', 'lockstep'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    createInterface({ input: this.child.stdout }).on('line', (line) => this.read(line));
    this.child.stderr.on('data', (data: Buffer) => {
      this.errorText = `${this.errorText}${data.toString()}`.slice(-SHOWN_CHARACTERS);
    });
    this.ended = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (code, signal) => {
        const isRight = code === 0 || (code !== null && STOPPED.includes(code));
        resolve(isRight ? undefined : `${code ?? signal}: ${this.errorText.trim()}`);
      });
    });
    // If nothing awaits it, a failure must not end this process.
    this.ended.catch(() => undefined);
  }

  /** The first event of this name that `isWanted`; rejects if the process ends without one. */
  async first<Name extends EventName>(
    name: Name,
    isWanted: (event: EventOf<Name>) => boolean = () => true,
  ): Promise<EventOf<Name>> {
    const isIt = (event: RunEvent): event is EventOf<Name> =>
      event.event === name && isWanted(event as EventOf<Name>);
    const found = this.seen.find(isIt);
    if (found !== undefined) return found;
    const coming = new Promise<EventOf<Name>>((resolve) => {
      this.watchers.add((event) => {
        if (isIt(event)) resolve(event);
      });
    });
    const ended = this.ended.then(() => {
      throw new Error(`lockstep ended before the event ${name}: ${this.errorText.trim()}`);
    });
    return Promise.race([coming, ended]);
  }

  /** Asks it to save and end. */
  stop(): void {
    this.child.kill('SIGINT');
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  private read(line: string): void {
    const event = parsed(line);
    if (event === undefined) return;
    this.seen.push(event);
    for (const watcher of this.watchers) watcher(event);
  }
}

function parsed(line: string): RunEvent | undefined {
  try {
    return JSON.parse(line) as RunEvent;
  } catch {
    return undefined;
  }
}
