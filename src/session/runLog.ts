/** Passes a run's events on to whoever follows it and, as soon as there is one, to the run's folder. */

import type { EventListener, RunEvent, RunFolder } from '../coordinator/index.js';
import type { DownloadProgress } from '../data/index.js';
import { BY_KEY, quoted, sentenceText } from '../foundation/options/optionError.js';
import type { Sentence, Wording } from '../foundation/options/optionError.js';

/** Who follows a run. None of these calls can stop it or slow it down. */
export interface Follower {
  readonly onEvent: EventListener;
  readonly onDownload?: ((progress: DownloadProgress) => void) | undefined;
  /** A sentence for people at this moment: it is no event, and is not written to the run's folder. */
  readonly onRemark?: ((message: string) => void) | undefined;
  /** How options are written in what is told. Left out: by their keys. */
  readonly wording?: Wording | undefined;
}

export class RunLog {
  private folder: RunFolder | undefined;
  private readonly early: RunEvent[] = [];

  constructor(private readonly follower: Follower) {}

  readonly onEvent = (event: RunEvent): void => {
    this.follower.onEvent(event);
    if (this.folder) this.append(this.folder, event);
    else this.early.push(event);
  };

  readonly onDownload = (progress: DownloadProgress): void => {
    this.follower.onDownload?.(progress);
  };

  say(message: Sentence | string): void {
    this.follower.onRemark?.(this.inWords(message));
  }

  notice(message: Sentence | string): void {
    this.onEvent({ event: 'notice', message: this.inWords(message) });
  }

  /** Writes the events so far to the folder, and all later ones. */
  attach(folder: RunFolder): void {
    this.folder = folder;
    for (const event of this.early.splice(0)) this.append(folder, event);
  }

  private append(folder: RunFolder, event: RunEvent): void {
    const problem = folder.append(event);
    if (!problem) return;
    const message = this.inWords([
      quoted(problem),
      '. Training goes on; the lines are kept and written as soon as there is room',
    ]);
    this.follower.onEvent({ event: 'notice', message });
  }

  private inWords(message: Sentence | string): string {
    return sentenceText(message, this.follower.wording ?? BY_KEY);
  }
}
