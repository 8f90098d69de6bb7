/** What a session is given: all that it knows of the world. */

import type { ResumeCommand } from '../watch/index.js';
import type { CoordinatorSettings } from './coordinatorSettings.js';
import type { PreparedDoor } from './door.js';
import type { OpenedDataset } from './openDataset.js';
import type { RunSettings } from './options/settings.js';
import type { RunLog } from './runLog.js';
import type { TrackerSecrets } from './trackerSecrets.js';
import type { TrainingOptions } from './trainingOptions.js';

/** Settings that a resumed run takes over from its previous session, unless they are given again. */
export type Settings = RunSettings & { readonly test: boolean };

export interface SessionOptions {
  readonly training: TrainingOptions;
  readonly runDir: string | undefined;
  readonly resume: string | undefined;
  /** Evaluate the test set once the weights are final. */
  readonly test: boolean;
  readonly minWorkers: number;
  readonly waitTimeoutMs: number;
  /** What to do when no worker comes for so long, if anything. */
  readonly noWorkersRemedy?: string;
  /** The coordinator's own options, for config.json: a resumed coordinator uses them again. */
  readonly coordinatorSettings: CoordinatorSettings;
  /**
   * Checks what remote nodes need, before any data is loaded; undefined in a run of one process.
   * @throws LockstepError for what cannot work here
   */
  readonly prepareDoor: ((settings: Settings) => Promise<PreparedDoor>) | undefined;
}

/** What a session is given besides its options. */
export interface SessionContext {
  readonly log: RunLog;
  /** Aborted to save and stop. */
  readonly signal: AbortSignal;
  /** Has it aborted, on behalf of somebody who may ask for that; undefined: nobody may. @param who asks */
  readonly requestStop?: ((who: string) => void) | undefined;
  /** The command that continues the run in this folder, for people; undefined: a program runs it. */
  readonly resumeCommand?: ((runDir: string) => ResumeCommand) | undefined;
  /** Data that the caller has opened; undefined: those that the recipe names. */
  readonly data?: OpenedDataset | undefined;
  /** The proxy to an address, if one is to be used. */
  readonly proxyFor?: ((url: URL) => URL | undefined) | undefined;
  /** What trackers are shown; they are stored nowhere. */
  readonly trackerSecrets?: TrackerSecrets | undefined;
  /** Where measurements of this machine's devices are kept; undefined: nowhere, and nothing is tuned. */
  readonly cacheFolder?: string | undefined;
}
