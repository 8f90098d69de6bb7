/**
 * The nodes that are attached, and the one round that they work on. Knows who is there; does not know what the
 * answers mean: accepting an answer is the caller's.
 */

import { describeError, LockstepError } from '../../foundation/errors.js';
import { printable } from '../../foundation/printable.js';
import type {
  CoordinatorChannel,
  Evaluated,
  NodeMessage,
  RefusalCode,
  Result,
  Sum,
  Welcome,
} from '../../protocol/index.js';
import { Attendance } from './attendance.js';
import { ConductBook, LONGEST_REFUSAL, REFUSAL_REMEDY } from './nodeReputation.js';
import type { EventListener, MemberInfo } from '../run/events.js';
import { itemKey, roundKey } from './member.js';
import type { ItemKind, ItemSource, Member } from './member.js';
import { MemberNews } from './memberNews.js';
import { hostOf } from './peerHost.js';
import { Reception } from './reception.js';
import { RefusedConnections } from './refusedConnections.js';
import { Round } from '../schedule/round.js';

export interface FleetOptions {
  readonly welcome: Welcome;
  readonly onEvent: EventListener;
  /** How long to wait, with nobody attached, before giving up. */
  readonly waitTimeoutMs: number;
  /** What to do if nobody comes; commands differ in it. */
  readonly noWorkersRemedy?: string;
}

export type Answer = Result | Sum | Evaluated;

/** What the caller makes of an answer. */
export type Verdict =
  /** `contradicts`: nodes that gave a result for the item that cannot be right. */
  | { readonly kind: 'accepted'; readonly contradicts?: readonly Member[] }
  /** Not usable, but perhaps not this node's fault: the item goes to somebody again. */
  | { readonly kind: 'again' }
  /** Not usable as a sum, and nobody's fault: each item of it is wanted again, by itself. */
  | { readonly kind: 'apart' }
  /** Against the protocol: the node is cut off, and the item goes to somebody else. */
  | { readonly kind: 'foul'; readonly reason: string };

export interface RoundRequest extends ItemSource {
  readonly itemCount: number;
  sampleCountOf(index: number): number;
  /**
   * Judges and, if it is good, takes the answer: to the item `index`, or to all items of a sum, the first of which that is.
   * Called only if one of them is still wanted.
   */
  accept(answer: Answer, index: number, from: Member): Verdict;
}

interface ActiveRound {
  readonly request: RoundRequest;
  readonly round: Round<Member>;
}

/** Of a fleet that only this process's threads belong to. */
const THREADS_GONE = 'the messages above say what became of its threads';

export class Fleet {
  private readonly members = new Set<Member>();
  private readonly conductBook = new ConductBook();
  private readonly attendance: Attendance;
  private readonly reception: Reception;
  private readonly news: MemberNews;
  private readonly refusedConnections: RefusedConnections;
  private active: ActiveRound | undefined;
  /** What went wrong outside any round, for the next one to report. */
  private failure: Error | undefined;

  constructor(private readonly options: FleetOptions) {
    const remedy = options.noWorkersRemedy ?? THREADS_GONE;
    this.attendance = new Attendance({ ...options, remedy, workerCount: () => this.workerCount });
    this.news = new MemberNews({ onEvent: options.onEvent, workersNow: () => this.workerCount });
    this.refusedConnections = new RefusedConnections(options.onEvent);
    this.reception = new Reception({
      welcome: options.welcome,
      conductBook: this.conductBook,
      onRefused: (peerName, reason) => this.connectionRefused(hostOf(peerName), reason),
      onMember: (member) => this.guard(() => this.join(member)),
      onMessage: (member, message) => this.guard(() => this.receive(member, message)),
      onClose: (member, reason, fault) =>
        this.guard(() => {
          if (fault === 'bad-frame') this.blame(member, member.conduct.sentBadFrame(reason));
          this.leave(member, reason);
        }),
    });
  }

  /** Workers (threads) attached. */
  get workerCount(): number {
    return [...this.members].reduce((sum, member) => sum + member.threads, 0);
  }

  get memberCount(): number {
    return this.members.size;
  }

  /** Whether anybody takes items who is none of the given. */
  hasOther(than: ReadonlySet<Member>): boolean {
    return [...this.members].some((member) => member.accepting && !than.has(member));
  }

  /** Takes a new channel; what comes on it first must be a hello that fits this run. */
  admit(channel: CoordinatorChannel, { local }: { local: boolean }): void {
    this.reception.admit(channel, local);
  }

  /** A connection was turned away. @param address its host, without the port */
  connectionRefused(address: string, reason: string): void {
    this.guard(() => this.refusedConnections.refused(address, reason));
  }

  /** Resolves when at least `count` workers are attached. @throws LockstepError E_NO_WORKERS after the wait timeout */
  waitForWorkers(count: number, signal?: AbortSignal): Promise<void> {
    return this.failure ? Promise.reject(this.failure) : this.attendance.waitFor(count, signal);
  }

  /**
   * Has every item of one round computed once.
   * @throws LockstepError E_NO_WORKERS when nobody has been attached for the wait timeout; what `signal` says when aborted
   */
  async run(request: RoundRequest, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.failure) throw this.failure;
    const round = new Round<Member>({
      key: roundKey(request.kind, request.round),
      itemCount: request.itemCount,
      sampleCountOf: (index) => request.sampleCountOf(index),
      assignees: () => this.members,
      paceOf: (member) => member.paces[request.kind],
    });
    this.active = { request, round };
    this.attendance.wasOfUse();
    const onAbort = (): void => round.abort(signal?.reason);
    signal?.addEventListener('abort', onAbort);
    for (const member of this.members) member.enter(request);
    round.fill();
    this.watchLoneliness();
    try {
      await round.done;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.attendance.notLonely();
      this.active = undefined;
      for (const member of this.members) if (member.draining) this.dismiss(member, 'drained');
    }
  }

  /** Aborts the round in progress, or else the next one. */
  abort(error: unknown): void {
    if (this.active) this.active.round.abort(error);
    else this.failure ??= error instanceof Error ? error : new Error(describeError(error));
  }

  /** Tells what has only been counted, so that nothing follows the run's last event. */
  concludeNews(): void {
    this.guard(() => {
      this.news.close();
      this.refusedConnections.close();
    });
  }

  /** Sends everybody home: the run is over. */
  end(reason: string, { runEnded }: { runEnded: boolean }): void {
    this.concludeNews();
    this.reception.close({ runEnded, reason });
    for (const member of [...this.members]) {
      member.channel.send({ type: 'bye', runEnded, reason });
      member.channel.close(reason);
    }
  }

  /** What goes wrong here, such as a full disk, is the run's affair, never that of the node whose message met it. */
  private guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.abort(error);
    }
  }

  private join(member: Member): void {
    member.channel.send(this.options.welcome);
    this.members.add(member);
    this.news.joined(member, this.describe(member));
    if (this.active) {
      member.enter(this.active.request);
      this.active.round.fill();
    }
    this.attendance.somebodyCame();
  }

  private receive(member: Member, message: NodeMessage): void {
    switch (message.type) {
      case 'hello':
        return this.refuse(member, 'a second hello');
      case 'result':
        return this.take(member, message, 'work', message.step, [message.microBatch]);
      case 'sum':
        return this.take(member, message, 'work', message.step, indicesOf(message));
      case 'evaluated':
        return this.take(member, message, 'evaluate', message.evaluation, [message.chunk]);
      case 'failed':
        return this.takeFailure(member, message.item, message.round, message.index, message.reason);
      case 'drain':
        member.draining = true;
        if (member.hasAnswered) this.attendance.wasOfUse();
        if (this.active?.round.holds(member)) this.watchLoneliness();
        else this.dismiss(member, 'drained');
    }
  }

  /** @param indices of the items that the answer is to: one, or those of a sum */
  private take(
    member: Member,
    answer: Answer,
    kind: ItemKind,
    roundNumber: number,
    indices: readonly number[],
  ): void {
    const asked = indices.filter((index) => member.wasAsked(kind, roundNumber, index));
    if (asked.length < indices.length) this.blame(member, member.conduct.strayed());
    if (asked.length === 0 || member.gone) return;
    const round = this.roundOf(kind, roundNumber);
    if (!round) {
      // Of a round that is over: a repeated item's second answer. Its worker is free again.
      for (const index of asked) member.workload.finish(itemKey(kind, roundNumber, index), performance.now());
      return this.active?.round.fill();
    }
    const verdict = this.judge(round, answer, indices, asked, member);
    member.hasAnswered = true;
    if (verdict.kind === 'foul') return this.refuse(member, verdict.reason);
    member.conduct.answered();
    for (const index of asked) {
      if (verdict.kind === 'again') round.returnItem(member, index);
      else if (verdict.kind === 'apart' && round.wants(index)) round.askAgain(member, index);
      else round.complete(member, index);
    }
    if (verdict.kind === 'accepted') {
      for (const other of verdict.contradicts ?? []) {
        this.blame(other, other.conduct.contradicted(), 'E_REFUSED');
      }
    }
    if (member.draining && !round.holds(member)) this.dismiss(member, 'drained');
  }

  private judge(
    round: Round<Member>,
    answer: Answer,
    indices: readonly number[],
    asked: readonly number[],
    member: Member,
  ): Verdict {
    if (!asked.some((index) => round.wants(index))) return { kind: 'accepted' }; // somebody else was faster
    if (asked.length < indices.length) return { kind: 'apart' }; // there is no taking out of a sum
    return this.active!.request.accept(answer, indices[0]!, member);
  }

  private takeFailure(
    member: Member,
    kind: ItemKind,
    roundNumber: number,
    index: number,
    reason: string,
  ): void {
    const wasAsked = member.wasAsked(kind, roundNumber, index);
    this.news.failed(member, reason);
    const refusal = member.conduct.failed(reason, member.threads);
    if (refusal !== undefined) {
      this.refuse(member, refusal, 'E_REFUSED');
      if (member.local && this.members.size === 0) this.abort(new LockstepError('E_ENGINE_FAILED', reason));
      return;
    }
    const round = this.roundOf(kind, roundNumber);
    if (round && wasAsked) round.returnItem(member, index);
    else member.workload.drop(itemKey(kind, roundNumber, index), performance.now());
  }

  private roundOf(kind: ItemKind, roundNumber: number): Round<Member> | undefined {
    const { active } = this;
    return active?.request.kind === kind && active.request.round === roundNumber ? active.round : undefined;
  }

  /** Lets a node go that wants to. */
  private dismiss(member: Member, reason: string): void {
    member.channel.send({ type: 'bye', runEnded: false, reason });
    member.channel.close(reason);
    this.leave(member, reason);
  }

  /** @param refusal why it is to be refused, if what it did is no longer forgiven */
  private blame(member: Member, refusal: string | undefined, code?: RefusalCode): void {
    if (refusal !== undefined) this.refuse(member, refusal, code);
  }

  /** Cuts a node off, until its process starts anew; it learns why, and so does the run. */
  private refuse(member: Member, reason: string, code: RefusalCode = 'E_PROTOCOL'): void {
    const refusal = printable(reason, LONGEST_REFUSAL);
    member.conduct.refusal = refusal;
    member.channel.send({ type: 'refused', code, reason: `${refusal}; ${REFUSAL_REMEDY}` });
    member.channel.close(refusal);
    if (!this.members.has(member) || this.reception.isClosed) return;
    this.news.refused(member, refusal);
    this.leave(member, refusal);
  }

  private leave(member: Member, reason: string): void {
    if (!this.members.delete(member)) return;
    member.gone = true;
    if (member.hasAnswered) this.attendance.wasOfUse();
    if (this.reception.isClosed) return; // sent home
    this.news.left(member, this.describe(member), reason);
    this.active?.round.leave(member);
    this.watchLoneliness();
  }

  /** With a round to do and nobody to do it, waits for so long and no longer. */
  private watchLoneliness(): void {
    this.attendance.notLonely();
    if (!this.active || [...this.members].some((member) => member.accepting)) return;
    this.attendance.lonely((reason) => this.abort(reason));
  }

  private describe({ hello }: Member): MemberInfo {
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

function indicesOf({ microBatch, leaves }: Sum): number[] {
  return leaves.map((_, place) => microBatch + place);
}
