/**
 * The attached nodes, and the one round that they work on. The fleet knows who is attached and what each node was asked
 * for. It does not know what answers mean: the caller of `run` judges them.
 */

import { REAL_CLOCK } from '../../foundation/clock.js';
import type { Clock } from '../../foundation/clock.js';
import { describeError, LockstepError } from '../../foundation/errors.js';
import { printable } from '../../foundation/printable.js';
import type {
  CoordinatorChannel,
  NodeMessage,
  RefusalCode,
  Sum,
  Welcome,
  Workers,
} from '../../protocol/index.js';
import type { MemberInfo } from '../run/events.js';
import { itemKey, roundKey } from '../schedule/itemKey.js';
import type { RoundKey } from '../schedule/itemKey.js';
import type { Round } from '../schedule/round.js';
import { ActiveRound } from './activeRound.js';
import type { RoundTiming } from './activeRound.js';
import { viewFleet } from './fleetView.js';
import type { FleetView } from './fleetView.js';
import { Attendance } from './attendance.js';
import type { Member } from './member.js';
import { MemberNews } from './memberNews.js';
import { MAX_REFUSAL_LENGTH, NodeReputations, REFUSAL_REMEDY } from './nodeReputation.js';
import type { FleetOptions, Workforce } from './fleetOptions.js';
import { hostOf } from './peerHost.js';
import { Reception } from './reception.js';
import { RefusedConnections } from './refusedConnections.js';
import type { Answer, RoundRequest } from './roundRequest.js';
import { RunClasses } from './runClasses.js';
import { UnreadAnswers } from './unreadAnswers.js';

/** The remedy if all workers are threads of this process. */
const THREADS_GONE = 'the messages above say why its threads ended';

export class Fleet {
  private readonly members = new Set<Member>();
  private readonly clock: Clock;
  private readonly timing: RoundTiming;
  private readonly unread = new UnreadAnswers();
  private readonly reputations = new NodeReputations();
  private readonly attendance: Attendance;
  private readonly reception: Reception;
  private readonly news: MemberNews;
  private readonly refusedConnections: RefusedConnections;
  private readonly classes: RunClasses;
  private active: ActiveRound | undefined;
  /** An error that happened between two rounds: the next round reports it. */
  private failure: Error | undefined;

  constructor(private readonly options: FleetOptions) {
    const remedy = options.noWorkersRemedy ?? THREADS_GONE;
    this.classes = new RunClasses(options.numericsClasses, this.members);
    const { clock = REAL_CLOCK } = options;
    this.clock = clock;
    const isReal = clock === REAL_CLOCK;
    const { areAnswersRead = isReal ? () => this.unread.areAllRead() : undefined } = options;
    this.timing = { clock, areAnswersRead };
    this.attendance = new Attendance({ ...options, remedy, clock, workerCount: () => this.workerCount });
    this.news = new MemberNews({ onEvent: options.onEvent, workersNow: () => this.workerCount });
    this.refusedConnections = new RefusedConnections(options.onEvent);
    this.reception = new Reception({
      welcome: options.welcome,
      clock,
      refusalOf: options.refusalOf,
      classes: this.classes,
      reputations: this.reputations,
      onRefused: (peerName, reason) => this.connectionRefused(hostOf(peerName), reason),
      onMember: (member) => this.guard(() => this.join(member)),
      onMessage: (member, message) => this.guard(() => this.receive(member, message)),
      onClose: (member, reason, fault) =>
        this.guard(() => {
          if (fault === 'bad-frame') this.blame(member, member.reputation.sentBadFrame(reason));
          this.leave(member, reason);
        }),
    });
  }

  /** Workers (threads) attached. */
  get workerCount(): number {
    return [...this.members].reduce((sum, member) => sum + member.threads, 0);
  }

  /** The form of the gradients. */
  get wire(): Welcome['wire'] {
    return this.options.welcome.wire;
  }

  /** What each node brings that accepts items. */
  workforce(): readonly Workforce[] {
    return [...this.members].filter(({ accepting }) => accepting).map(({ hello }) => hello);
  }

  /**
   * The numerics class of every worker attached. A draining node counts: it still answers what it holds.
   * @param except a node that is left out
   */
  numericsClasses(except?: Member): ReadonlySet<string> {
    const others = [...this.members].filter((member) => member !== except && member.threads > 0);
    return new Set(others.map(({ hello }) => hello.numericsClass));
  }

  get memberCount(): number {
    return this.members.size;
  }

  /** Whether a remote node with this secret is attached. If its connection is dead, the heartbeat ends that. */
  isAttached(nodeSecret: string): boolean {
    return [...this.members].some(({ hello, local }) => !local && hello.nodeSecret === nodeSecret);
  }

  /** Who is attached and what they do at this moment, for people. */
  view(): FleetView {
    return viewFleet(this.members, this.active, this.clock.nowMs());
  }

  /** Whether a node that is not among the given ones accepts items. */
  hasOther(than: ReadonlySet<Member>): boolean {
    return [...this.members].some((member) => member.accepting && !than.has(member));
  }

  /** Takes a new channel. Its first message must be a hello that fits this run. */
  admit(channel: CoordinatorChannel, { local }: { local: boolean }): void {
    this.reception.admit(channel, local);
  }

  /** Reports a connection that was refused. @param address its host, without the port */
  connectionRefused(address: string, reason: string): void {
    this.guard(() => this.refusedConnections.refused(address, reason));
  }

  /** Resolves when at least `count` workers are attached. @throws LockstepError E_NO_WORKERS after the wait timeout */
  waitForWorkers(count: number, signal?: AbortSignal): Promise<void> {
    return this.failure ? Promise.reject(this.failure) : this.attendance.waitFor(count, signal);
  }

  /**
   * Has every item of one round computed and accepted once.
   * @throws LockstepError E_NO_WORKERS if no node is attached for the wait timeout; the error of a verdict `diverged`; the
   *   reason of `signal` if it is aborted
   */
  async run(request: RoundRequest, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.failure) throw this.failure;
    const active = new ActiveRound(request, () => this.members, this.timing);
    const { schedule } = active;
    this.active = active;
    this.attendance.nodeWasUseful();
    const onAbort = (): void => schedule.abort(signal?.reason);
    signal?.addEventListener('abort', onAbort);
    try {
      this.guard(() => {
        for (const member of this.members) active.enter(member);
        schedule.fill();
        this.checkForWorkers();
      });
      await schedule.done;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.attendance.stopWaiting();
      this.active = undefined;
      for (const member of this.members) if (member.draining) this.dismiss(member, 'drained');
    }
  }

  /** The open round in progress, to add items to and to take them back; undefined between rounds. */
  get openRound(): Pick<Round<Member>, 'add' | 'withdraw' | 'keepApart'> | undefined {
    return this.active?.request.itemCount === 'open' ? this.active.schedule : undefined;
  }

  /** Ends the round in progress with an error; between rounds, the wait for workers and the next round. */
  abort(error: unknown): void {
    if (this.active) return this.active.schedule.abort(error);
    this.failure ??= error instanceof Error ? error : new Error(describeError(error));
    this.attendance.abort(this.failure);
  }

  /** Reports what was only counted so far, so that no event follows the run's last one. */
  concludeNews(): void {
    this.guard(() => {
      this.news.close();
      this.refusedConnections.close();
    });
  }

  /** The run is over: says bye to all nodes and closes their channels. */
  end(reason: string, { runEnded }: { runEnded: boolean }): void {
    this.concludeNews();
    this.reception.close({ runEnded, reason });
    for (const member of [...this.members]) {
      member.channel.send({ type: 'bye', runEnded, reason });
      member.channel.close(reason);
    }
  }

  /** An error in here, such as a full disk, ends the run. It is not the fault of the node whose message led to it. */
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
    if (member.threads > 0) this.news.joined(member, this.describe(member));
    if (this.active) {
      this.active.enter(member);
      this.active.schedule.fill();
    }
    if (member.threads > 0) this.attendance.nodeJoined();
    this.options.onWorkers?.();
  }

  private receive(member: Member, message: NodeMessage): void {
    switch (message.type) {
      case 'hello':
        return this.refuse(member, 'a second hello');
      case 'result':
        return this.take(member, message, roundKey('work', message.step), [message.microBatch]);
      case 'sum':
        return this.take(member, message, roundKey('work', message.step), indicesOf(message));
      case 'evaluated':
        return this.take(member, message, roundKey('evaluate', message.evaluation), [message.chunk]);
      case 'failed':
        return this.takeFailure(member, roundKey(message.item, message.round), message.index, message.reason);
      case 'workers':
        return this.resize(member, message);
      case 'drain':
        member.draining = true;
        this.options.onWorkers?.();
        if (member.hasAnswered) this.attendance.nodeWasUseful();
        if (this.active?.schedule.holds(member)) this.checkForWorkers();
        else this.dismiss(member, 'drained');
    }
  }

  /** A relay's workers have come or gone. Reported as a node that leaves and joins. */
  private resize(member: Member, workers: Workers): void {
    const refusal = this.options.refusalOf?.(workers, member);
    if (refusal !== undefined) return this.refuse(member, refusal, 'E_REFUSED');
    if (member.threads > 0) {
      const without = { ...this.describe(member), workersNow: this.workerCount - member.threads };
      this.news.left(member, without, `it brings ${workers.threads} worker(s) now`);
    }
    member.bring(workers);
    if (member.threads > 0) this.news.joined(member, this.describe(member));
    else this.active?.schedule.leave(member);
    this.active?.schedule.fill();
    if (member.threads > 0) this.attendance.nodeJoined();
    else this.checkForWorkers();
    this.options.onWorkers?.();
    this.dismissIfDone(member);
  }

  /** @param indices the items of the answer: one, or those of a sum */
  private take(member: Member, answer: Answer, round: RoundKey, indices: readonly number[]): void {
    this.unread.answerRead();
    const asked = indices.filter((index) => member.wasAsked(itemKey(round, index)));
    if (asked.length < indices.length) this.blame(member, member.reputation.answeredUnasked());
    if (asked.length === 0 || member.gone) return;
    const { active } = this;
    if (active?.key !== round) {
      // The second answer to a repeated item, after its round is over. Its worker is free again.
      for (const index of asked) member.workload.finish(itemKey(round, index), this.clock.nowMs());
      active?.schedule.fill();
      return this.dismissIfDone(member);
    }
    const verdict = active.judge(answer, indices, asked, member);
    member.hasAnswered = true;
    if (verdict.kind === 'refused') return this.refuse(member, verdict.reason);
    if (verdict.kind === 'diverged') this.abort(verdict.error);
    member.reputation.answered();
    active.settle(verdict.kind, asked, member);
    if (verdict.kind === 'accepted') {
      this.classes.noteResultOf(member);
      for (const other of verdict.contradicts ?? []) {
        this.blame(other, other.reputation.contradicted(), 'E_REFUSED');
      }
    }
    this.dismissIfDone(member);
  }

  private takeFailure(member: Member, round: RoundKey, index: number, reason: string): void {
    const key = itemKey(round, index);
    const wasAsked = member.wasAsked(key);
    member.tally.failed++;
    this.news.failed(member, reason);
    const refusal = member.reputation.failed(reason, member.threads);
    if (refusal !== undefined) {
      this.refuse(member, refusal, 'E_REFUSED');
      if (member.local && this.members.size === 0) this.abort(new LockstepError('E_ENGINE_FAILED', reason));
      return;
    }
    if (this.active?.key === round && wasAsked) this.active.schedule.returnItem(member, index);
    else member.workload.drop(key, this.clock.nowMs());
    this.dismissIfDone(member);
  }

  /** Lets a draining node go that holds nothing of the round in progress; between rounds there is none. */
  private dismissIfDone(member: Member): void {
    if (member.draining && this.active?.schedule.holds(member) === false) this.dismiss(member, 'drained');
  }

  /** Lets a draining node go. */
  private dismiss(member: Member, reason: string): void {
    member.channel.send({ type: 'bye', runEnded: false, reason });
    member.channel.close(reason);
    this.leave(member, reason);
  }

  /** @param refusal why the node is refused now; undefined if its fault is still forgiven */
  private blame(member: Member, refusal: string | undefined, code?: RefusalCode): void {
    if (refusal !== undefined) this.refuse(member, refusal, code);
  }

  /** Disconnects a node and does not admit it again until its process restarts. The node and the run are told why. */
  private refuse(member: Member, reason: string, code: RefusalCode = 'E_PROTOCOL'): void {
    const refusal = printable(reason, MAX_REFUSAL_LENGTH);
    member.reputation.refusal = refusal;
    member.channel.send({ type: 'refused', code, reason: `${refusal}; ${REFUSAL_REMEDY}` });
    member.channel.close(refusal);
    if (!this.members.has(member) || this.reception.isClosed) return;
    this.news.refused(member, refusal);
    this.leave(member, refusal);
  }

  private leave(member: Member, reason: string): void {
    if (!this.members.delete(member)) return;
    member.gone = true;
    if (member.hasAnswered) this.attendance.nodeWasUseful();
    if (this.reception.isClosed) return; // the run is over: nobody is told
    if (member.threads > 0) this.news.left(member, this.describe(member), reason);
    this.active?.schedule.leave(member);
    this.checkForWorkers();
    this.options.onWorkers?.();
  }

  /** With a round in progress and no node that accepts items, starts the wait timeout. */
  private checkForWorkers(): void {
    this.attendance.stopWaiting();
    if (!this.active || [...this.members].some((member) => member.accepting)) return;
    this.attendance.startWaiting((reason) => this.abort(reason));
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
