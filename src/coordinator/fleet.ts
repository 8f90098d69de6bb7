/**
 * The nodes that are attached, and the one round that they work on. Knows who is there; does not know what the
 * answers mean: accepting an answer is the caller's.
 */

import { describeError, LockstepError } from '../foundation/errors.js';
import { PROTOCOL_VERSION } from '../protocol/index.js';
import type {
  CoordinatorChannel,
  Evaluated,
  Hello,
  NodeMessage,
  Result,
  Welcome,
} from '../protocol/index.js';
import type { EventListener, MemberInfo } from './events.js';
import { ItemDurations } from './itemDurations.js';
import { Member } from './member.js';
import type { ItemSource } from './member.js';
import { Round } from './round.js';

export interface FleetOptions {
  readonly welcome: Welcome;
  readonly onEvent: EventListener;
  /** How long to wait, with nobody attached, before giving up. */
  readonly waitTimeoutMs: number;
}

/** What the caller makes of an answer. */
export type Verdict =
  | { readonly kind: 'accepted' }
  /** Not usable, but perhaps not this node's fault: the item goes to somebody again. */
  | { readonly kind: 'again' }
  /** Against the protocol: the node is cut off, and the item goes to somebody else. */
  | { readonly kind: 'foul'; readonly reason: string };

export interface RoundRequest extends ItemSource {
  readonly itemCount: number;
  /** Judges and, if it is good, takes the answer. Called at most once an item with the verdict `accepted`. */
  accept(answer: Result | Evaluated, index: number, from: Member): Verdict;
}

const FAILURES_ALLOWED = 3;
/** A stranger who connects and says nothing is shown the door. */
const HELLO_TIMEOUT_MS = 10_000;

interface ActiveRound {
  readonly request: RoundRequest;
  readonly round: Round;
}

export class Fleet {
  private readonly members = new Set<Member>();
  private readonly waitingForMembers = new Set<() => void>();
  private readonly durations = { work: new ItemDurations(), evaluate: new ItemDurations() };
  private readonly failuresInARow = new Map<Member, number>();
  private active: ActiveRound | undefined;
  private lonelyTimer: NodeJS.Timeout | undefined;
  /** Set when everybody has been sent home. */
  private farewell: { readonly runEnded: boolean; readonly reason: string } | undefined;
  /** Since when nobody has been there who ever answered anything. */
  private lonelySinceMs = 0;
  /** What went wrong outside any round, for the next one to report. */
  private failure: Error | undefined;

  constructor(private readonly options: FleetOptions) {}

  /** Workers (threads) attached. */
  get workerCount(): number {
    return [...this.members].reduce((sum, member) => sum + member.threads, 0);
  }

  get memberCount(): number {
    return this.members.size;
  }

  /** Takes a new channel; what comes on it first must be a hello that fits this run. */
  admit(channel: CoordinatorChannel, { local }: { local: boolean }): void {
    let member: Member | undefined;
    let turnedAway = false;
    const silence = setTimeout(() => {
      turnedAway = true;
      channel.close(`no hello within ${HELLO_TIMEOUT_MS / 1000} s`);
    }, HELLO_TIMEOUT_MS);
    channel.open({
      onMessage: (message) => {
        clearTimeout(silence);
        if (turnedAway || member?.gone) return; // on its way when the door was shut
        this.guard(() => {
          if (member) return this.receive(member, message);
          member = this.greet(channel, message, local);
          turnedAway = member === undefined;
        });
      },
      onClose: (reason) => {
        clearTimeout(silence);
        this.guard(() => {
          if (member) this.leave(member, reason);
        });
      },
    });
  }

  /** Resolves when at least `count` workers are attached. @throws LockstepError E_NO_WORKERS after the wait timeout */
  waitForWorkers(count: number, signal?: AbortSignal): Promise<void> {
    if (this.failure) return Promise.reject(this.failure);
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    if (this.workerCount >= count) return Promise.resolve();
    const { waitTimeoutMs, onEvent } = this.options;
    onEvent({ event: 'waiting', reason: `for ${count} worker(s)`, timeoutSeconds: waitTimeoutMs / 1000 });
    return new Promise((resolve, reject) => {
      const settle = (then: () => void): void => {
        clearTimeout(timer);
        this.waitingForMembers.delete(check);
        signal?.removeEventListener('abort', onAbort);
        then();
      };
      const check = (): void => {
        if (this.workerCount >= count) settle(resolve);
      };
      const onAbort = (): void => settle(() => reject(signal?.reason as Error));
      const timer = setTimeout(() => settle(() => reject(this.nobodyCame(count))), waitTimeoutMs);
      this.waitingForMembers.add(check);
      signal?.addEventListener('abort', onAbort);
    });
  }

  /**
   * Has every item of one round computed once.
   * @throws LockstepError E_NO_WORKERS when nobody has been attached for the wait timeout; what `signal` says when aborted
   */
  async run(request: RoundRequest, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.failure) throw this.failure;
    const durations = this.durations[request.kind];
    const round = new Round({
      itemCount: request.itemCount,
      assignees: () => this.members,
      typicalMs: () => durations.typicalMs(),
      onDurationMs: (durationMs) => durations.add(durationMs),
    });
    this.active = { request, round };
    this.lonelySinceMs = performance.now();
    const onAbort = (): void => round.abort(signal?.reason);
    signal?.addEventListener('abort', onAbort);
    for (const member of this.members) member.enter(request);
    round.fill();
    this.watchLoneliness();
    try {
      await round.done;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      clearTimeout(this.lonelyTimer);
      this.active = undefined;
      for (const member of this.members) if (member.draining) this.dismiss(member, 'drained');
    }
  }

  /** Aborts the round in progress, or else the next one. */
  abort(error: unknown): void {
    if (this.active) this.active.round.abort(error);
    else this.failure ??= error instanceof Error ? error : new Error(describeError(error));
  }

  /** What goes wrong here, such as a full disk, is the run's affair, never that of the node whose message met it. */
  private guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.abort(error);
    }
  }

  /** Sends everybody home: the run is over. */
  end(reason: string, { runEnded }: { runEnded: boolean }): void {
    this.farewell = { runEnded, reason };
    for (const member of [...this.members]) {
      member.channel.send({ type: 'bye', runEnded, reason });
      member.channel.close(reason);
    }
  }

  private greet(channel: CoordinatorChannel, message: NodeMessage, local: boolean): Member | undefined {
    if (this.farewell) {
      channel.send({ type: 'bye', ...this.farewell });
      channel.close(this.farewell.reason);
      return undefined;
    }
    const refusal = this.refusalOf(message);
    if (refusal || message.type !== 'hello') {
      channel.send({
        type: 'refused',
        ...(refusal ?? { code: 'E_PROTOCOL', reason: 'hello must come first' }),
      });
      channel.close('refused');
      return undefined;
    }
    const member = new Member(message, channel, local);
    channel.send(this.options.welcome);
    this.members.add(member);
    this.options.onEvent({ event: 'worker-joined', ...this.describe(member) });
    if (this.active) {
      clearTimeout(this.lonelyTimer);
      member.enter(this.active.request);
      this.active.round.fill();
    }
    for (const check of this.waitingForMembers) check();
    return member;
  }

  private refusalOf(message: NodeMessage): { code: string; reason: string } | undefined {
    if (message.type !== 'hello') return { code: 'E_PROTOCOL', reason: `${message.type} came before hello` };
    if (message.protocolVersion === PROTOCOL_VERSION) {
      const here = this.options.welcome.lockstepVersion;
      if (message.lockstepVersion === here) return undefined;
      const reason = `the Lockstep versions differ (node ${message.lockstepVersion}, coordinator ${here}); use the same on both machines`;
      return { code: 'E_PROTOCOL', reason };
    }
    const versions = `node ${message.protocolVersion}, coordinator ${PROTOCOL_VERSION}`;
    return {
      code: 'E_PROTOCOL',
      reason: `the protocol versions differ (${versions}); use the same Lockstep version on both machines`,
    };
  }

  private receive(member: Member, message: NodeMessage): void {
    switch (message.type) {
      case 'hello':
        return this.expel(member, 'a second hello');
      case 'result':
        return this.take(member, message, 'work', message.step, message.microBatch);
      case 'evaluated':
        return this.take(member, message, 'evaluate', message.evaluation, message.chunk);
      case 'failed':
        return this.takeFailure(member, message.round, message.index, message.item, message.reason);
      case 'drain':
        member.draining = true;
        if (this.active?.round.holds(member)) this.watchLoneliness();
        else this.dismiss(member, 'drained');
    }
  }

  private take(
    member: Member,
    answer: Result | Evaluated,
    kind: ItemSource['kind'],
    roundNumber: number,
    index: number,
  ): void {
    const round = this.roundOf(kind, roundNumber);
    if (!round) return; // of a round that is over: a repeated item's second answer
    if (round.wants(index) && !round.holdsItem(member, index)) return; // not its to answer
    this.failuresInARow.delete(member);
    const verdict = this.judge(round, answer, index, member);
    member.hasAnswered = true;
    if (verdict.kind === 'foul') return this.expel(member, verdict.reason);
    if (verdict.kind === 'again') round.returnItem(member, index);
    else round.complete(member, index);
    if (member.draining && !round.holds(member)) this.dismiss(member, 'drained');
  }

  private judge(round: Round, answer: Result | Evaluated, index: number, member: Member): Verdict {
    if (!round.wants(index)) return { kind: 'accepted' }; // somebody else was faster
    return this.active!.request.accept(answer, index, member);
  }

  private takeFailure(
    member: Member,
    roundNumber: number,
    index: number,
    kind: ItemSource['kind'],
    reason: string,
  ): void {
    const failures = (this.failuresInARow.get(member) ?? 0) + 1;
    this.failuresInARow.set(member, failures);
    this.options.onEvent({ event: 'notice', message: `${member.name} could not compute an item: ${reason}` });
    const round = this.roundOf(kind, roundNumber);
    if (failures < FAILURES_ALLOWED) return round?.returnItem(member, index);
    this.expel(member, `it failed ${failures} times in a row: ${reason}`);
    if (member.local && this.members.size === 0) this.abort(new LockstepError('E_ENGINE_FAILED', reason));
  }

  private roundOf(kind: ItemSource['kind'], roundNumber: number): Round | undefined {
    const { active } = this;
    return active?.request.kind === kind && active.request.round === roundNumber ? active.round : undefined;
  }

  /** Lets a node go that wants to. */
  private dismiss(member: Member, reason: string): void {
    member.channel.send({ type: 'bye', runEnded: false, reason });
    member.channel.close(reason);
    this.leave(member, reason);
  }

  /** Cuts a node off that breaks the rules; it learns why. */
  private expel(member: Member, reason: string): void {
    member.channel.send({ type: 'refused', code: 'E_PROTOCOL', reason });
    member.channel.close(reason);
    this.leave(member, reason);
  }

  private leave(member: Member, reason: string): void {
    if (!this.members.delete(member)) return;
    member.gone = true;
    if (member.hasAnswered) this.lonelySinceMs = performance.now();
    this.failuresInARow.delete(member);
    if (this.farewell) return; // sent home
    this.options.onEvent({ event: 'worker-left', reason, ...this.describe(member) });
    this.active?.round.leave(member);
    this.watchLoneliness();
  }

  /** With a round to do and nobody to do it, waits for so long and no longer. */
  private watchLoneliness(): void {
    clearTimeout(this.lonelyTimer);
    if (!this.active || [...this.members].some((member) => member.accepting)) return;
    const { waitTimeoutMs, onEvent } = this.options;
    // A node that comes, does nothing and goes again does not start the clock anew.
    const leftMs = Math.max(0, waitTimeoutMs - (performance.now() - this.lonelySinceMs));
    onEvent({ event: 'waiting', reason: 'for a worker, for none is left', timeoutSeconds: leftMs / 1000 });
    this.lonelyTimer = setTimeout(() => this.abort(this.nobodyCame(1)), leftMs);
  }

  private nobodyCame(count: number): LockstepError {
    const seconds = this.options.waitTimeoutMs / 1000;
    return new LockstepError(
      'E_NO_WORKERS',
      `${this.workerCount} worker(s) attached, ${count} needed, and none came within ${seconds} s; attach one with ` +
        '"lockstep worker URL", or wait longer with --wait-timeout',
    );
  }

  private describe({ hello }: { hello: Hello }): MemberInfo {
    return {
      node: hello.nodeName,
      engine: hello.engine,
      device: hello.device,
      numericsClass: hello.numericsClass,
      threads: hello.threads,
      workersNow: this.workerCount,
    };
  }
}
