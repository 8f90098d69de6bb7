/** Chooses a display: JSON lines if asked for, a live line on a terminal, plain lines otherwise. */

import type { Display } from './display.js';
import { JsonDisplay } from './jsonDisplay.js';
import { outputIsLog, withTime } from './logTime.js';
import { PlainDisplay } from './plainDisplay.js';
import { TerminalDisplay } from './terminalDisplay.js';

export function chooseDisplay({ json }: { readonly json: boolean }): Display {
  if (json) return new JsonDisplay(process.stdout);
  return process.stdout.isTTY && process.env['TERM'] !== 'dumb'
    ? new TerminalDisplay(process.stdout)
    : new PlainDisplay(process.stdout, outputIsLog() ? withTime : undefined);
}
