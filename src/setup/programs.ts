/** Other programs: whether they are there, and running one until it ends. */

import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';

const KEPT_CHARACTERS = 20_000;
const STALL_CHECK_MS = 1000;
const LONGEST_LINE = 300;

export interface RunOptions {
  readonly cwd?: string;
  /** Besides, or instead of, the variables of all programs. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Lets the program draw on the terminal, where there is one. */
  readonly showsProgress?: boolean;
  /** Asked every second; true ends the program. */
  readonly hasStalled?: () => boolean;
}

export interface Ended {
  readonly succeeded: boolean;
  /** The end of what it printed. */
  readonly output: string;
}

export interface ProgramsOptions {
  readonly environment: NodeJS.ProcessEnv;
  /** Whether standard output is a terminal, on which a program may draw a progress bar. */
  readonly isTerminal: boolean;
  /** Ends the program that runs, and all that it has started. */
  readonly signal: AbortSignal;
}

export class Programs {
  readonly environment: NodeJS.ProcessEnv;
  readonly isTerminal: boolean;
  readonly signal: AbortSignal;

  constructor({ environment, isTerminal, signal }: ProgramsOptions) {
    this.environment = environment;
    this.isTerminal = isTerminal;
    this.signal = signal;
  }

  /** Whether a command can be started and succeeds. */
  works(command: string, args: readonly string[]): boolean {
    return spawnSync(command, args, { stdio: 'ignore', env: this.environment }).status === 0;
  }

  /** What a command prints, or undefined if it fails. */
  output(command: string, args: readonly string[]): string | undefined {
    const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', env: this.environment });
    return status === 0 ? stdout : undefined;
  }

  /** @throws the signal's reason where that ended it */
  async run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    this.signal.throwIfAborted();
    const { cwd, environment, showsProgress = false } = options;
    const child = spawn(command, args, {
      cwd,
      env: { ...this.environment, ...environment },
      stdio: ['ignore', showsProgress && this.isTerminal ? 'inherit' : 'pipe', 'pipe'],
      detached: HAS_PROCESS_GROUPS,
    });
    const ended = await this.waitFor(child, options.hasStalled);
    this.signal.throwIfAborted();
    return ended;
  }

  private waitFor(child: ChildProcess, hasStalled?: () => boolean): Promise<Ended> {
    return new Promise((resolve) => {
      let output = '';
      const keep = (data: Buffer): void => void (output = (output + data.toString()).slice(-KEPT_CHARACTERS));
      child.stdout?.on('data', keep);
      child.stderr?.on('data', keep);
      const kill = (): void => killGroup(child);
      const stallCheck = setInterval(() => {
        if (hasStalled?.()) kill();
      }, STALL_CHECK_MS);
      this.signal.addEventListener('abort', kill, { once: true });
      const end = (succeeded: boolean, more = ''): void => {
        clearInterval(stallCheck);
        this.signal.removeEventListener('abort', kill);
        resolve({ succeeded, output: output + more });
      };
      child.on('error', (error) => end(false, error.message));
      child.on('close', (status) => end(status === 0));
    });
  }
}

const HAS_PROCESS_GROUPS = process.platform !== 'win32';

/** A compiler is started by make, which is started by node-gyp: all of them have to end. */
function killGroup(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined || !HAS_PROCESS_GROUPS) return void child.kill('SIGKILL');
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // the group has ended by itself
  }
}

/** The line of a program's output that says most. */
export function tellingLine(output: string): string {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const telling =
    lines.find((line) => /^(npm )?\w*error\b.*:/i.test(line)) ??
    lines.findLast((line) => /error|fail|not found|unable|cannot/i.test(line));
  return (telling ?? lines.at(-1) ?? 'it printed nothing').slice(0, LONGEST_LINE);
}
