/** What shows a run's events: a live terminal line, plain lines, or JSON lines. */

import type { DecodingProgress, DownloadProgress } from '../../data/index.js';
import type { RunEvent } from '../../coordinator/index.js';

export interface Display {
  /** @param timeMs the moment of the event, since 1970 */
  event(event: RunEvent, timeMs: number): void;
  download(progress: DownloadProgress): void;
  /** Of pictures, before a run or an evaluation begins. */
  decoding(progress: DecodingProgress): void;
  /** A sentence for people; silent where only machines read. */
  say(message: string): void;
  /** Leaves the terminal tidy. */
  close(): void;
}
