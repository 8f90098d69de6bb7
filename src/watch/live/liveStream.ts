/**
 * What happens at this moment, to everyone who watches: server-sent events, one picture of the whole at a time. A viewer
 * that reads slowly misses pictures and gets the latest; one that reads nothing is closed by the server's time limit. The
 * more a picture costs, the more rarely it is sent, so that viewers take a bounded share of the time.
 */

import type { ServerResponse } from 'node:http';
import { HEADERS } from './respond.js';
import type { Right } from './sessions.js';

const SHORTEST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 2_000;
/** Between these two, making and sending a picture takes one part in so many of this thread's time. */
const PAUSE_TIMES = 300;
const MOST_STREAMS = 128;
/** Viewers alone never keep out whoever controls the run. */
const MOST_OF_VIEWERS = 96;

export class LiveStream {
  private readonly streams = new Map<ServerResponse, Right>();
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;
  private nextMs = 0;

  /** @param picture as JSON */
  constructor(private readonly picture: () => string) {}

  get isWatched(): boolean {
    return this.streams.size > 0;
  }

  isFullFor(right: Right): boolean {
    if (right === 'control') return this.streams.size >= MOST_STREAMS;
    return [...this.streams.values()].filter((each) => each === 'view').length >= MOST_OF_VIEWERS;
  }

  open(response: ServerResponse, right: Right): void {
    response.writeHead(200, { ...HEADERS, 'Content-Type': 'text/event-stream' });
    response.write('retry: 1000\n\n');
    if (this.isClosed) return void response.end(ENDED);
    this.streams.set(response, right);
    response.on('close', () => this.streams.delete(response));
    this.timer ??= setTimeout(() => this.send(), Math.max(0, this.nextMs - performance.now()));
  }

  /** Sends the last picture, and ends all streams. */
  close(): void {
    this.isClosed = true;
    this.send();
    clearTimeout(this.timer);
    for (const response of this.streams.keys()) response.end(ENDED);
  }

  private send(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.streams.size === 0) return;
    const startedMs = performance.now();
    const frame = `data: ${this.picture()}\n\n`;
    for (const response of this.streams.keys()) if (!response.writableNeedDrain) response.write(frame);
    const nowMs = performance.now();
    const pauseMs = Math.max(SHORTEST_PAUSE_MS, (nowMs - startedMs) * PAUSE_TIMES);
    this.nextMs = nowMs + Math.min(LONGEST_PAUSE_MS, pauseMs);
    this.timer = setTimeout(() => this.send(), this.nextMs - nowMs);
  }
}

const ENDED = 'event: ended\ndata: {}\n\n';
