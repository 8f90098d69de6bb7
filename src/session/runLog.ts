/** Writes a run's events to its folder, as soon as there is one, and passes them on to whatever else listens. */

import type { RunEvent, RunFolder } from '../coordinator/index.js';
import type { DecodingProgress, DownloadProgress } from '../data/index.js';
import { BY_KEY, quoted, sentenceText } from '../foundation/options/optionError.js';
import type { Sentence, Wording } from '../foundation/options/optionError.js';
import { EventDispatcher } from '../watch/index.js';
import type { Subscriber } from '../watch/index.js';

interface TimedEvent {
  readonly event: RunEvent;
  readonly timeMs: number;
}

export interface RunLogOptions {
  readonly subscribers: readonly Subscriber[];
  /** Before training begins. It must be quick. */
  readonly onDownload?: ((progress: DownloadProgress) => void) | undefined;
  readonly onDecoding?: ((progress: DecodingProgress) => void) | undefined;
  /** Told of notices alone, in words: for what has neither a run nor a display. It must be quick. */
  readonly onNotice?: ((message: string) => void) | undefined;
  /** How options are written in what is told. Left out: by their keys. */
  readonly wording?: Wording | undefined;
}

export class RunLog {
  private folder: RunFolder | undefined;
  private readonly early: TimedEvent[] = [];
  private readonly dispatcher = new EventDispatcher({ onDropped: (message) => this.notice(message) });

  constructor(private readonly options: RunLogOptions) {
    options.subscribers.forEach((subscriber) => this.subscribe(subscriber));
  }

  /** A subscriber that comes later is not told what was before. */
  subscribe(subscriber: Subscriber): void {
    this.dispatcher.subscribe(subscriber);
  }

  /** The folder loses no event: it gets each at once, not from a queue. */
  readonly onEvent = (event: RunEvent): void => {
    const timeMs = Date.now();
    this.dispatcher.publish(event, timeMs);
    if (this.folder) this.append(this.folder, { event, timeMs });
    else this.early.push({ event, timeMs });
  };

  readonly onDownload = (progress: DownloadProgress): void => {
    this.options.onDownload?.(progress);
  };

  readonly onDecoding = (progress: DecodingProgress): void => {
    this.options.onDecoding?.(progress);
  };

  say(message: Sentence | string): void {
    this.dispatcher.remark(this.inWords(message));
  }

  notice(message: Sentence | string): void {
    this.options.onNotice?.(this.inWords(message));
    this.onEvent({ event: 'notice', message: this.inWords(message) });
  }

  /** Writes the events so far to the folder, and all later ones. */
  attach(folder: RunFolder): void {
    this.folder = folder;
    for (const event of this.early.splice(0)) this.append(folder, event);
  }

  /** Waits, for a while at most, until all subscribers have been told everything. */
  close(): Promise<void> {
    return this.dispatcher.close();
  }

  private append(folder: RunFolder, { event, timeMs }: TimedEvent): void {
    const problem = folder.append(event, timeMs);
    if (!problem) return;
    const message = this.inWords([
      quoted(problem),
      '. Training goes on; the lines are kept and written as soon as there is room',
    ]);
    this.dispatcher.publish({ event: 'notice', message }, timeMs);
  }

  private inWords(message: Sentence | string): string {
    return sentenceText(message, this.options.wording ?? BY_KEY);
  }
}
