/** What a door and the pages of a run need of the run, and what the run needs of them. */

import type { ResumeCommand } from '../watch/index.js';
import type { RunLog } from './runLog.js';

/** Where a door reports, and what it may do with the run. */
export interface DoorReports extends Pick<RunLog, 'onEvent' | 'say' | 'notice' | 'subscribe'> {
  /** Asks the run to save and stop, as Ctrl-C does. @param who asks; undefined where nobody may */
  readonly requestStop: ((who: string) => void) | undefined;
  /** The command that continues the run in this folder, for people; undefined: a program runs it. */
  readonly resumeCommand: ((runDir: string) => ResumeCommand) | undefined;
}

export interface Door {
  close(): Promise<void>;
}
