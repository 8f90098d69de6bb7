/**
 * Tells of nodes that come, go, fail and are refused: each by itself, as long as they are not too many. Beyond that a host's
 * are counted, and the numbers told together. A node that comes and goes 260 times a second would else fill the disk.
 */

import type { EventListener, MemberInfo } from '../run/events.js';
import type { Member } from './member.js';
import { hostOf } from './peerHost.js';
import { Rations } from './rateLimiter.js';

/** Of a host. Fifty nodes may come and go at once. */
const OF_EACH_HOST = { atOnce: 100, perMinute: 60 };
/** Of all hosts together: as many as there may be nodes. */
const OF_ALL_HOSTS = { atOnce: 1024, perMinute: 120 };
const SUMMARY_MS = 10_000;
/** Hosts that a summary names; the others are counted together. */
const NAMED_HOSTS = 8;

type Change = 'joined' | 'left' | 'refused' | 'failed';
type Counts = Record<Change, number>;

export interface MemberNewsOptions {
  readonly onEvent: EventListener;
  readonly workersNow: () => number;
}

export class MemberNews {
  private readonly rations = new Rations(OF_EACH_HOST, OF_ALL_HOSTS);
  /** Whoever's coming was told is told of when it leaves, and nobody else: so the roster of a reader is right. */
  private readonly told = new WeakSet<Member>();
  private counts = new Map<string, Counts>();
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(private readonly options: MemberNewsOptions) {}

  joined(member: Member, info: MemberInfo): void {
    if (!this.mayTell(member)) return this.count(member, 'joined');
    this.told.add(member);
    this.options.onEvent({ event: 'worker-joined', ...info });
  }

  left(member: Member, info: MemberInfo, reason: string): void {
    if (!this.told.has(member)) return this.count(member, 'left');
    this.options.onEvent({ event: 'worker-left', reason, ...info });
  }

  refused(member: Member, reason: string): void {
    if (!this.told.has(member)) return this.count(member, 'refused');
    const { name: node, channel } = member;
    this.options.onEvent({ event: 'worker-refused', node, address: channel.peerName, reason });
  }

  failed(member: Member, reason: string): void {
    if (!this.mayTell(member)) return this.count(member, 'failed');
    this.options.onEvent({ event: 'notice', message: `${member.name} could not compute an item: ${reason}` });
  }

  /** Tells what has only been counted, and counts nothing more. */
  close(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
    this.summarise();
  }

  /** A node of this process comes and goes once. */
  private mayTell({ local, channel }: Member): boolean {
    return local || this.rations.take(hostOf(channel.peerName), performance.now());
  }

  private count({ channel }: Member, change: Change): void {
    if (this.isClosed) return;
    const host = hostOf(channel.peerName);
    const key = this.counts.has(host) || this.counts.size < NAMED_HOSTS ? host : 'other addresses';
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
