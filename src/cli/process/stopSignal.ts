/**
 * Ctrl-C, SIGTERM and SIGHUP (the terminal is gone): the first asks the run to save and stop; the second ends the
 * process where it stands. Without a terminal on any stream a SIGHUP is of no concern: it was started to outlive one, by
 * nohup for example. Node forgets that nohup has the signal ignored.
 *
 * A scheduler warns before it ends a job, often by a signal of its own (`--stop-signal USR1`), and sends SIGTERM later, often
 * more than once: after its first signal nothing but a Ctrl-C ends the process where it stands.
 */

import { constants } from 'node:os';

export interface StopSignal {
  readonly signal: AbortSignal;
  /** The exit code that the signal's conventions ask for, once one has come: 128 and its number. */
  exitCode(): number | undefined;
  /** The signal that came first. */
  cause(): NodeJS.Signals | undefined;
  /** Has the run save and stop as a Ctrl-C does, on behalf of someone else. The next Ctrl-C is still the first. */
  request(who: string): void;
  dispose(): void;
}

const NAMES: readonly NodeJS.Signals[] = ['SIGHUP', 'SIGINT', 'SIGTERM'];
/** One Ctrl-C may arrive several times: from the terminal, and once more from each parent that passes it on, as npm. */
const ECHO_MS = 500;

/** Who started this process and will end it. */
export interface Scheduler {
  readonly warning?: NodeJS.Signals | undefined;
}

/** By the conventions of shells. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

/**
 * @param onFirst told of the signal that asks to stop
 * @param onHangup told of a SIGHUP that does not
 * @param scheduler undefined if there is none; `warning`: a signal of its own
 */
export function listenForStop(
  onFirst: (signal: string) => void,
  onHangup: (message: string) => void = () => undefined,
  scheduler?: Scheduler,
): StopSignal {
  const controller = new AbortController();
  let first: NodeJS.Signals | undefined;
  let isRequested = false;
  let firstMs = 0;
  const onSignal = (name: NodeJS.Signals): void => {
    if (name === 'SIGHUP' && !hasTerminal())
      return onHangup('SIGHUP, and no terminal here to lose: going on');
    if (first !== undefined && performance.now() - firstMs < ECHO_MS) return;
    if (first !== undefined && scheduler !== undefined && name !== 'SIGINT') return;
    if (first !== undefined) process.exit(exitCodeOf(first));
    firstMs = performance.now();
    first = name;
    onFirst(name);
    controller.abort(new Error(`stopped by ${name}`));
  };
  const names = new Set([...NAMES, ...(scheduler?.warning === undefined ? [] : [scheduler.warning])]);
  const handlers = [...names].map((name) => ({ name, handler: () => onSignal(name) }));
  for (const { name, handler } of handlers) process.on(name, handler);
  return {
    signal: controller.signal,
    exitCode: () => (first !== undefined || isRequested ? exitCodeOf(first ?? 'SIGINT') : undefined),
    cause: () => first,
    request: (who) => {
      isRequested = true;
      controller.abort(new Error(`stopped by ${who}`));
    },
    dispose: () => {
      for (const { name, handler } of handlers) process.off(name, handler);
    },
  };
}

function hasTerminal(): boolean {
  return [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
}
