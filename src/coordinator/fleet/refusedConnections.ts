/**
 * Reports refused connections: a wrong token, TLS on one side only, another version. The first refusal of a host for a
 * reason is reported at once. Further ones, which may be hundreds a second, are counted and reported once a minute.
 */

import type { EventListener } from '../run/events.js';

/** Pairs of host and reason that are counted separately. Peers can invent any number; the rest is counted together. */
const MAX_ENTRIES = 64;
const REPEAT_MS = 60_000;
const OTHERS = { address: 'other addresses', reason: 'various reasons' };

interface Entry {
  readonly address: string;
  readonly reason: string;
  /** Refusals since the last report. */
  count: number;
  readonly timer: NodeJS.Timeout;
}

export class RefusedConnections {
  private readonly entries = new Map<string, Entry>();
  private isClosed = false;

  constructor(private readonly onEvent: EventListener) {}

  /** @param address the host, without the port */
  refused(address: string, reason: string): void {
    if (this.isClosed) return;
    const known = this.entries.get(`${address} ${reason}`);
    if (known) known.count++;
    else if (this.entries.size < MAX_ENTRIES) this.begin({ address, reason });
    else this.countAmongOthers();
  }

  /** Reports what was only counted, and stops reporting. */
  close(): void {
    this.isClosed = true;
    for (const entry of this.entries.values()) {
      clearInterval(entry.timer);
      this.report(entry);
    }
    this.entries.clear();
  }

  private countAmongOthers(): void {
    const others = this.entries.get(`${OTHERS.address} ${OTHERS.reason}`);
    if (others) others.count++;
    else this.begin(OTHERS);
  }

  private begin({ address, reason }: { readonly address: string; readonly reason: string }): void {
    const key = `${address} ${reason}`;
    const timer = setInterval(() => this.repeat(key), REPEAT_MS).unref();
    const entry = { address, reason, count: 1, timer };
    this.entries.set(key, entry);
    this.report(entry);
  }

  private repeat(key: string): void {
    const entry = this.entries.get(key);
    if (entry && entry.count > 0) return this.report(entry);
    clearInterval(entry?.timer);
    this.entries.delete(key);
  }

  private report(entry: Entry): void {
    const { address, reason, count } = entry;
    if (count > 0) this.onEvent({ event: 'connection-refused', address, reason, count });
    entry.count = 0;
  }
}
