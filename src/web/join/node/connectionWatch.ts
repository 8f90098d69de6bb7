/**
 * Asks the coordinator, by a request of its own, whether it still has this node's connection. A page neither sees nor sends
 * pings, and a coordinator may have nothing to say for long: a connection that the other side has forgotten, as while a laptop
 * slept, looks like one that is quiet. The coordinator itself watches every connection, byte by byte, and knows.
 */

import { DEFAULT_HEARTBEAT_TIMEOUT_MS } from '../../../protocol/pages.js';
import { NODE_HEADER, RUN_PATH } from '../../../watch/live/api.js';
import type { TabAnswer, TabLosses } from '../../../watch/live/api.js';

const CHECK_EVERY_MS = 1000;
const ASK_EVERY_MS = 10_000;

export interface ConnectionWatchOptions {
  readonly pageUrl: string;
  readonly nodeSecret: string;
  readonly onGone: (reason: string) => void;
  /** Of the run, so far. */
  readonly onLosses: (losses: TabLosses) => void;
}

export class ConnectionWatch {
  private heardAtMs = performance.now();
  private askedAtMs = performance.now();
  private isAsking = false;
  private isWelcome = false;
  /** The coordinator has said once that it does not know the node: it may be about to say so on the connection, too. */
  private isDoubtful = false;
  private isOver = false;
  private readonly timer: ReturnType<typeof setInterval>;

  constructor(private readonly options: ConnectionWatchOptions) {
    this.timer = setInterval(() => void this.check(), CHECK_EVERY_MS);
  }

  readonly heard = (): void => {
    this.heardAtMs = performance.now();
    if (!this.isWelcome) this.askedAtMs = -Infinity; // from the first message on it is known there
    this.isWelcome = true;
  };

  stop(): void {
    this.isOver = true;
    clearInterval(this.timer);
  }

  private async check(): Promise<void> {
    if (this.isAsking || (!this.isDoubtful && performance.now() - this.askedAtMs < ASK_EVERY_MS)) return;
    this.isAsking = true;
    this.askedAtMs = performance.now();
    const goneBecause = await this.ask().catch(() => this.silence());
    this.isAsking = false;
    if (goneBecause !== undefined && !this.isOver) this.options.onGone(goneBecause);
  }

  /** @returns why the connection is of no use any more */
  private async ask(): Promise<string | undefined> {
    const { pageUrl, nodeSecret, onLosses } = this.options;
    const response = await fetch(new URL(RUN_PATH, pageUrl), {
      headers: { [NODE_HEADER]: nodeSecret },
      cache: 'no-store',
      signal: AbortSignal.timeout(DEFAULT_HEARTBEAT_TIMEOUT_MS),
    });
    if (response.status >= 500) return this.silence(); // of a proxy whose coordinator is away
    if (!response.ok) return undefined;
    const answer = (await response.json()) as TabAnswer;
    const wasDoubtful = this.isDoubtful;
    this.isDoubtful = !answer.isAttached;
    if (answer.isAttached && !this.isOver) onLosses(answer.losses);
    return wasDoubtful && this.isDoubtful ? 'the coordinator no longer has this connection' : undefined;
  }

  /** The server cannot be asked. Its connection may work all the same: it has as much time as any peer. */
  private silence(): string | undefined {
    const isSilent = performance.now() - this.heardAtMs >= DEFAULT_HEARTBEAT_TIMEOUT_MS;
    return isSilent ? `no sign of life for ${DEFAULT_HEARTBEAT_TIMEOUT_MS / 1000} s` : undefined;
  }
}
