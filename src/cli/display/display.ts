/** Where a run's events are shown: a live terminal, plain lines, or JSON lines. */

import type { DownloadProgress } from '../../data/index.js';
import type { RunEvent } from '../../coordinator/index.js';
import { outputIsLog, withTime } from './logTime.js';
import { JsonDisplay } from './jsonDisplay.js';
import { PlainDisplay } from './plainDisplay.js';
import { TerminalDisplay } from './terminalDisplay.js';

export interface Display {
  event(event: RunEvent): void;
  download(progress: DownloadProgress): void;
  /** A sentence for people; silent where only machines read. */
  say(message: string): void;
  /** Leaves the terminal tidy. */
  close(): void;
}

export function chooseDisplay({ json }: { readonly json: boolean }): Display {
  if (json) return new JsonDisplay(process.stdout);
  return process.stdout.isTTY && process.env['TERM'] !== 'dumb'
    ? new TerminalDisplay(process.stdout)
    : new PlainDisplay(process.stdout, outputIsLog() ? withTime : undefined);
}
