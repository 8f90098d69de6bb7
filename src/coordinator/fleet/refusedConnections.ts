/**
 * Tells of connections that became no node: a wrong token, TLS on one side only, another version. The first of a host and
 * reason is told at once; of further ones, which may come by the hundred a second, one line a minute with their number.
 */

import type { EventListener } from '../run/events.js';

/** Hosts with their reasons; both are free to invent. Those beyond are counted together. */
const SEPARATE_STORIES = 64;
const REPEAT_MS = 60_000;
const OTHERS = { address: 'other addresses', reason: 'various reasons' };

interface Story {
  readonly address: string;
  readonly reason: string;
  /** Since it was told last. */
  count: number;
  readonly timer: NodeJS.Timeout;
}

export class RefusedConnections {
  private readonly stories = new Map<string, Story>();
  private isClosed = false;

  constructor(private readonly onEvent: EventListener) {}

  /** @param address the host, without the port */
  refused(address: string, reason: string): void {
    if (this.isClosed) return;
    const known = this.stories.get(`${address} ${reason}`);
    if (known) known.count++;
    else if (this.stories.size < SEPARATE_STORIES) this.begin({ address, reason });
    else this.countAmongOthers();
  }

  /** Tells what has not been told yet, and then nothing more. */
  close(): void {
    this.isClosed = true;
    for (const story of this.stories.values()) {
      clearInterval(story.timer);
      this.tell(story);
    }
    this.stories.clear();
  }

  private countAmongOthers(): void {
    const others = this.stories.get(`${OTHERS.address} ${OTHERS.reason}`);
    if (others) others.count++;
    else this.begin(OTHERS);
  }

  private begin({ address, reason }: { readonly address: string; readonly reason: string }): void {
    const key = `${address} ${reason}`;
    const timer = setInterval(() => this.repeat(key), REPEAT_MS).unref();
    const story = { address, reason, count: 1, timer };
    this.stories.set(key, story);
    this.tell(story);
  }

  private repeat(key: string): void {
    const story = this.stories.get(key);
    if (story && story.count > 0) return this.tell(story);
    clearInterval(story?.timer);
    this.stories.delete(key);
  }

  private tell(story: Story): void {
    const { address, reason, count } = story;
    if (count > 0) this.onEvent({ event: 'connection-refused', address, reason, count });
    story.count = 0;
  }
}
