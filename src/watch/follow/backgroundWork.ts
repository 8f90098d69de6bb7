/** Work that is done now and then beside training: soon after it was asked for, one at a time, and again after a failure. */

import { randomInt } from 'node:crypto';

/** Pauses grow from the first to the longest, and are shortened at random, so that many runs do not come back together. */
export interface RetryPauses {
  readonly firstMs: number;
  readonly longestMs: number;
}

export interface BackgroundWorkOptions {
  /** Called again later if it rejects. The signal is aborted when there is no more time. */
  readonly work: (signal: AbortSignal) => Promise<void>;
  /** From `wake` to the work; calls meanwhile add nothing. */
  readonly delayMs: number;
  readonly pauses: RetryPauses;
  /** @param isFirst whether the attempt before was not a failure */
  readonly onFailure: (error: unknown, isFirst: boolean) => void;
}

export class BackgroundWork {
  private readonly end = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<boolean> | undefined;
  private failures = 0;
  /** Calls of `wake`. */
  private wakes = 0;

  constructor(private readonly options: BackgroundWorkOptions) {}

  wake(): void {
    this.wakes++;
    this.schedule(this.options.delayMs);
  }

  /**
   * Does the work a last time, again and again if it fails.
   * @returns whether it was done within this time
   */
  async finish(timeoutMs: number): Promise<boolean> {
    const timer = setTimeout(() => this.end.abort(), timeoutMs);
    const late = new Promise<false>((resolve) => {
      this.end.signal.addEventListener('abort', () => resolve(false));
    });
    const isDone = await Promise.race([this.untilDone(), late]);
    clearTimeout(timer);
    this.stop();
    return isDone;
  }

  /** Does nothing more, now or later. */
  stop(): void {
    clearTimeout(this.timer);
    this.end.abort();
  }

  private async untilDone(): Promise<boolean> {
    await this.running;
    clearTimeout(this.timer);
    for (;;) {
      if (this.isOver()) return false;
      if (await this.attempt()) return true;
      await this.pause();
    }
  }

  private schedule(delayMs: number): void {
    if (this.timer !== undefined || this.running !== undefined || this.end.signal.aborted) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.attempt();
    }, delayMs).unref();
  }

  private isOver(): boolean {
    return this.end.signal.aborted;
  }

  /** @returns whether the work was done */
  private async attempt(): Promise<boolean> {
    const { wakes } = this;
    this.running = this.tryWork();
    const isDone = await this.running;
    this.running = undefined;
    if (!isDone) this.schedule(this.pauseMs());
    else if (this.wakes > wakes) this.schedule(this.options.delayMs);
    return isDone;
  }

  private async tryWork(): Promise<boolean> {
    try {
      await this.options.work(this.end.signal);
      this.failures = 0;
      return true;
    } catch (error) {
      if (!this.end.signal.aborted) this.options.onFailure(error, this.failures === 0);
      this.failures++;
      return false;
    }
  }

  private pauseMs(): number {
    const { firstMs, longestMs } = this.options.pauses;
    const longMs = Math.min(longestMs, firstMs * 2 ** (this.failures - 1));
    return randomInt(Math.ceil(longMs / 2), longMs + 1);
  }

  private pause(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.pauseMs());
      this.end.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
