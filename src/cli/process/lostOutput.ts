/** Handles output that cannot be written. */

import { printError } from './terminal.js';

/** A reader that hangs up, such as `head` or a log pipe that dies. */
const HUNG_UP: readonly unknown[] = ['EPIPE', 'ECONNRESET'];
/** Of a terminal: it is closed. Of a file: its disk is faulty. */
const INPUT_OUTPUT = 'EIO';
const EXIT_LOST = 1;

let isTold = false;

/** From here on, lost output ends no training: it is told when there is somebody to tell, and makes the exit code. */
export function watchOutput(): void {
  process.stderr.off('error', goOnInSilence).on('error', goOnInSilence); // once, however often this is called
  process.stdout.off('error', onLost).on('error', onLost);
}

function onLost({ code, message }: NodeJS.ErrnoException): void {
  if (isTold || HUNG_UP.includes(code) || (code === INPUT_OUTPUT && process.stdout.isTTY)) return;
  isTold = true;
  printError(
    `lockstep: standard output cannot be written (${message}), so what was printed is lost; free some space, or send it elsewhere [E_IO]`,
  );
  // A command that goes on sets its own exit code in the end.
  process.once('exit', () => {
    if (process.exitCode === undefined || process.exitCode === 0) process.exitCode = EXIT_LOST;
  });
}

function goOnInSilence(): void {
  // Nothing can be printed any more; the run folder still has everything.
}
