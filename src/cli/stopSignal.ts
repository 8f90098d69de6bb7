/** Ctrl-C and SIGTERM: the first asks the run to save and stop; the second ends the process where it stands. */

export interface StopSignal {
  readonly signal: AbortSignal;
  /** The exit code that the signal's conventions ask for, once one has come. */
  exitCode(): number | undefined;
  dispose(): void;
}

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
/** One Ctrl-C may arrive several times: from the terminal, and once more from each parent that passes it on, as npm. */
const ECHO_MS = 500;

export function listenForStop(onFirst: (signal: string) => void): StopSignal {
  const controller = new AbortController();
  let exitCode: number | undefined;
  let firstMs = 0;
  const handler = (name: keyof typeof EXIT_CODES) => (): void => {
    if (exitCode !== undefined && performance.now() - firstMs < ECHO_MS) return;
    if (exitCode !== undefined) process.exit(exitCode);
    firstMs = performance.now();
    exitCode = EXIT_CODES[name];
    onFirst(name);
    controller.abort(new Error(`stopped by ${name}`));
  };
  const onInterrupt = handler('SIGINT');
  const onTerminate = handler('SIGTERM');
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onTerminate);
  return {
    signal: controller.signal,
    exitCode: () => exitCode,
    dispose: () => {
      process.off('SIGINT', onInterrupt);
      process.off('SIGTERM', onTerminate);
    },
  };
}
