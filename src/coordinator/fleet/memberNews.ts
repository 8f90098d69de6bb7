/**
 * Reports nodes that join, leave, fail and are refused: one event each, up to a rate limit. Beyond the limit they are
 * counted per host, and the counts are reported together. Otherwise a node that joins and leaves 260 times a second
 * would fill the disk with events.
 */

import type { EventListener, MemberInfo } from '../run/events.js';
import type { Member } from './member.js';
import { hostOf } from './peerHost.js';
import { RateLimiter } from './rateLimiter.js';

/** Enough for fifty nodes of one host to join and leave at once. */
const LIMIT_PER_HOST = { atOnce: 100, perMinute: 60 };
/** For all hosts together: at least as many as there may be nodes. */
const LIMIT_FOR_ALL = { atOnce: 1024, perMinute: 120 };
const SUMMARY_MS = 10_000;
/** A summary names this many hosts; the others are counted together. */
const MAX_NAMED_HOSTS = 8;

type Change = 'joined' | 'left' | 'refused' | 'failed';
type Counts = Record<Change, number>;

export interface MemberNewsOptions {
  readonly onEvent: EventListener;
  readonly workersNow: () => number;
}

export class MemberNews {
  private readonly limiter = new RateLimiter(LIMIT_PER_HOST, LIMIT_FOR_ALL);
  /** Members whose joining was reported and whose leaving was not: it is reported too, so that joins and leaves match. */
  private readonly reported = new WeakSet<Member>();
  private counts = new Map<string, Counts>();
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(private readonly options: MemberNewsOptions) {}

  joined(member: Member, info: MemberInfo): void {
    if (!this.mayReport(member)) return this.count(member, 'joined');
    this.reported.add(member);
    this.options.onEvent({ event: 'worker-joined', ...info });
  }

  left(member: Member, info: MemberInfo, reason: string): void {
    if (!this.reported.delete(member)) return this.count(member, 'left');
    this.options.onEvent({ event: 'worker-left', reason, ...info });
  }

  refused(member: Member, reason: string): void {
    if (!this.reported.has(member) && !this.mayReport(member)) return this.count(member, 'refused');
    const { name: node, channel } = member;
    this.options.onEvent({ event: 'worker-refused', node, address: channel.peerName, reason });
  }

  failed(member: Member, reason: string): void {
    if (!this.mayReport(member)) return this.count(member, 'failed');
    this.options.onEvent({ event: 'notice', message: `${member.name} could not compute an item: ${reason}` });
  }

  /** Reports what was only counted, and stops counting. */
  close(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
    this.summarise();
  }

  /** A node of this process joins once, so it is always reported. */
  private mayReport({ local, channel }: Member): boolean {
    return local || this.limiter.take(hostOf(channel.peerName), performance.now());
  }

  private count({ channel }: Member, change: Change): void {
    if (this.isClosed) return;
    const host = hostOf(channel.peerName);
    const key = this.counts.has(host) || this.counts.size < MAX_NAMED_HOSTS ? host : 'other addresses';
    const counts = this.counts.get(key) ?? { joined: 0, left: 0, refused: 0, failed: 0 };
    counts[change]++;
    this.counts.set(key, counts);
    this.timer ??= setTimeout(() => this.summarise(), SUMMARY_MS).unref();
  }

  private summarise(): void {
    this.timer = undefined;
    const { counts } = this;
    this.counts = new Map();
    const workersNow = this.options.workersNow();
    for (const [address, changes] of counts) {
      this.options.onEvent({ event: 'workers-changed', address, ...changes, workersNow });
    }
  }
}
