/**
 * Ctrl-C, SIGTERM and SIGHUP (the terminal is gone): the first asks the run to save and stop; the second ends the
 * process where it stands. Without a terminal on any stream a SIGHUP is of no concern: it was started to outlive one, by
 * nohup for example. Node forgets that nohup has the signal ignored.
 */

export interface StopSignal {
  readonly signal: AbortSignal;
  /** The exit code that the signal's conventions ask for, once one has come: 128 and its number. */
  exitCode(): number | undefined;
  /** Has the run save and stop as a Ctrl-C does, on behalf of someone else. The next Ctrl-C is still the first. */
  request(who: string): void;
  dispose(): void;
}

const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
type StopName = keyof typeof EXIT_CODES;
const NAMES = Object.keys(EXIT_CODES) as readonly StopName[];
/** One Ctrl-C may arrive several times: from the terminal, and once more from each parent that passes it on, as npm. */
const ECHO_MS = 500;

/**
 * @param onFirst told of the signal that asks to stop
 * @param onHangup told of a SIGHUP that does not
 */
export function listenForStop(
  onFirst: (signal: string) => void,
  onHangup: (message: string) => void = () => undefined,
): StopSignal {
  const controller = new AbortController();
  let exitCode: number | undefined;
  let isRequested = false;
  let firstMs = 0;
  const onSignal = (name: StopName): void => {
    if (name === 'SIGHUP' && !hasTerminal())
      return onHangup('SIGHUP, and no terminal here to lose: going on');
    if (exitCode !== undefined && performance.now() - firstMs < ECHO_MS) return;
    if (exitCode !== undefined) process.exit(exitCode);
    firstMs = performance.now();
    exitCode = EXIT_CODES[name];
    onFirst(name);
    controller.abort(new Error(`stopped by ${name}`));
  };
  const handlers = NAMES.map((name) => ({ name, handler: () => onSignal(name) }));
  for (const { name, handler } of handlers) process.on(name, handler);
  return {
    signal: controller.signal,
    exitCode: () => exitCode ?? (isRequested ? EXIT_CODES.SIGINT : undefined),
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
