/** Passes a run's events on to the display and, as soon as there is one, to the run's folder. */

import type { RunEvent, RunFolder } from '../coordinator/index.js';
import type { Display } from '../cli/display/display.js';

export class RunLog {
  private folder: RunFolder | undefined;
  private readonly early: RunEvent[] = [];

  constructor(private readonly display: Display) {}

  readonly onEvent = (event: RunEvent): void => {
    this.display.event(event);
    if (this.folder) this.append(this.folder, event);
    else this.early.push(event);
  };

  /** For people at this moment: not written to the run's folder, and not shown where only machines read. */
  say(message: string): void {
    this.display.say(message);
  }

  notice(message: string): void {
    this.onEvent({ event: 'notice', message });
  }

  /** What happened before the folder was there is written to it now. */
  attach(folder: RunFolder): void {
    this.folder = folder;
    for (const event of this.early.splice(0)) this.append(folder, event);
  }

  private append(folder: RunFolder, event: RunEvent): void {
    const problem = folder.append(event);
    if (!problem) return;
    const message = `${problem.message}. Training goes on; the lines are kept and written as soon as there is room`;
    this.display.event({ event: 'notice', message });
  }
}
