/** What a door and the pages of a run need of the run, and what the run needs of them. */

import type { RunLog } from './runLog.js';

/** Where a door reports, and what it may do with the run. */
export interface DoorReports extends Pick<RunLog, 'onEvent' | 'say' | 'notice' | 'subscribe'> {
  /** Asks the run to save and stop, as Ctrl-C does. @param who asks; undefined where nobody may */
  readonly requestStop: ((who: string) => void) | undefined;
}

export interface Door {
  close(): Promise<void>;
}
