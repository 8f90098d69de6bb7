/**
 * A relay's side of the conversation with its coordinator. To the coordinator it is a node with the workers of all nodes
 * beneath it; it computes nothing itself.
 */

import { isDeepStrictEqual } from 'node:util';
import { REAL_CLOCK } from '../foundation/clock.js';
import type { Clock } from '../foundation/clock.js';
import type { Fleet, GradientBuffers, Workforce } from '../coordinator/index.js';
import { wireByteLength } from '../foundation/wire/format.js';
import { imageByteCount } from '../data/index.js';
import type { Model } from '../model/index.js';
import { Broadcast, LARGEST_SUM } from '../protocol/index.js';
import type { Evaluate, Parameters, Welcome, Work } from '../protocol/index.js';
import { exceededLimit, messageOf, NodeDialogue, placeOf, SiblingSums } from '../worker/index.js';
import type { ConversationEnd, Dialogue, MessageToOwner, NodeDialogueOptions } from '../worker/index.js';
import type { Crew } from './crew.js';
import { GroupPatience } from './groupPatience.js';
import { RelayRound } from './relayRound.js';

export interface RelayConversationOptions extends Pick<
  NodeDialogueOptions,
  'channel' | 'nodeName' | 'nodeSecret'
> {
  readonly crew: Crew;
  /** Left out: the real one. */
  readonly clock?: Clock;
  readonly onWelcome?: ((welcome: Welcome, model: Model) => void) | undefined;
}

/** Workers that come and go within this time are told together. */
const TELL_EVERY_MS = 1_000;

/** The run, once the coordinator has told of it. */
interface Run {
  readonly welcome: Welcome;
  readonly model: Model;
  readonly fleet: Fleet;
  readonly buffers: GradientBuffers;
}

export class RelayConversation implements Dialogue {
  readonly ended: Promise<ConversationEnd>;
  private run: Run | undefined;
  private state: Broadcast<Parameters> | undefined;
  private round: RelayRound | undefined;
  private told: Workforce;
  /** A coordinator may not know yet that there are fewer now. */
  private mostThreads: number;
  private readonly clock: Clock;
  private cancelTelling: (() => void) | undefined;
  private toldAtMs = -Infinity;
  private isOver = false;
  private readonly sums: SiblingSums;
  private readonly dialogue: NodeDialogue;

  constructor(private readonly options: RelayConversationOptions) {
    const { channel, crew, clock = REAL_CLOCK } = options;
    this.clock = clock;
    this.told = crew.workforce();
    this.mostThreads = this.told.threads;
    const largest = (): number => Math.min(this.mostThreads, LARGEST_SUM);
    const patience = new GroupPatience(largest);
    this.sums = new SiblingSums({
      largest,
      untilMs: (sum, tookMs, nowMs) => patience.untilMs(sum, tookMs, nowMs),
      send: (sum) => channel.send(messageOf(sum), sum.release),
      clock,
    });
    this.dialogue = new NodeDialogue({
      ...options,
      onMessage: (message) => this.receive(message),
      isBusy: () => (this.round?.openCount ?? 0) > 0,
      onEnd: () => this.end(),
    });
    this.ended = this.dialogue.ended;
    crew.onWorkers = () => this.tellWorkersSoon();
    this.dialogue.open(this.told);
  }

  drain(): void {
    this.dialogue.drain();
  }

  private receive(message: MessageToOwner): void {
    switch (message.type) {
      case 'welcome':
        return this.start(message);
      case 'parameters':
        return this.receiveWeights(message);
      case 'work':
      case 'evaluate':
        return this.take(message);
      case 'cancel':
        if (this.round?.is(message.item, message.round)) this.round.withdraw(message.index);
        return;
      case 'apart':
        if (this.round?.is('work', message.step)) this.round.keepApart(message.microBatch);
    }
  }

  private start(welcome: Welcome): void {
    if (this.run) return this.dialogue.closeForBreach('a second welcome');
    const model = this.dialogue.build(welcome.network);
    if (!model) return;
    const { fleet, buffers } = this.options.crew.enter(welcome, model);
    this.run = { welcome, model, fleet, buffers };
    this.options.onWelcome?.(welcome, model);
    this.tellWorkersSoon();
  }

  private receiveWeights({ wire, parameters, statistics }: Parameters): void {
    if (!this.run) return this.dialogue.closeForBreach('parameters came before welcome');
    const { parameterCount, statisticCount } = this.run.model.layout;
    const bytes = wireByteLength(wire, parameterCount);
    if (parameters.byteLength !== bytes || statistics.byteLength !== 4 * statisticCount) {
      return this.dialogue.closeForBreach('parameters of another length than the model has');
    }
    // New weights end every earlier round.
    this.endRound();
    const version = this.options.crew.nextVersion();
    this.state = new Broadcast({ type: 'parameters', version, wire, parameters, statistics });
  }

  private take(message: Work | Evaluate): void {
    const { run, state } = this;
    if (!run || !state) return this.dialogue.closeForBreach(`${message.type} came before parameters`);
    if (!this.dialogue.takesItems) return;
    const exceeded = exceededLimit(message, {
      threads: this.mostThreads,
      waiting: this.round?.openCount ?? 0,
      unsent: this.options.channel.unsentCount,
      imageBytes: imageByteCount(run.model.inputShape),
      wire: run.welcome.wire,
    });
    if (exceeded !== undefined) return this.dialogue.closeForBreach(exceeded);
    const number = placeOf(message).round;
    if (!this.round?.is(message.type, number)) this.beginRound(message.type, number, run, state);
    this.round!.add(message);
  }

  private beginRound(
    kind: 'work' | 'evaluate',
    number: number,
    run: Run,
    state: Broadcast<Parameters>,
  ): void {
    this.endRound();
    const { channel, crew } = this.options;
    this.round = new RelayRound({
      ...{ id: crew.nextRoundId(), kind, number, state },
      ...{ layout: run.model.layout, classCount: run.model.classCount, wire: run.welcome.wire },
      ...{ fleet: run.fleet, sums: this.sums, buffers: run.buffers },
      send: (answer) => channel.send(answer),
    });
    crew.begin(this.round, run.fleet);
  }

  private endRound(): void {
    this.sums.flush();
    this.round = undefined;
    this.options.crew.endRound();
  }

  private tellWorkersSoon(): void {
    if (this.isOver) return;
    if (this.hasAnotherClass()) return this.tellWorkers();
    if (this.cancelTelling) return;
    const waitMs = this.toldAtMs + TELL_EVERY_MS - this.clock.nowMs();
    this.cancelTelling = this.clock.after(waitMs, () => this.tellWorkers());
  }

  /** Whether answers could come of another numerics class than the coordinator was told. */
  private hasAnotherClass(): boolean {
    const { threads, numericsClass } = this.options.crew.workforce();
    return threads > 0 && numericsClass !== this.told.numericsClass;
  }

  private tellWorkers(): void {
    this.cancelTelling?.();
    this.cancelTelling = undefined;
    const workforce = this.options.crew.workforce();
    if (this.isOver || isDeepStrictEqual(workforce, this.told)) return;
    // What waits here was computed in the class that was told before.
    if (workforce.numericsClass !== this.told.numericsClass) this.sums.flush();
    this.toldAtMs = this.clock.nowMs();
    this.told = workforce;
    this.mostThreads = Math.max(this.mostThreads, workforce.threads);
    // The coordinator gives all items to others now.
    if (workforce.threads === 0) this.endRound();
    this.options.channel.send({ type: 'workers', ...workforce });
  }

  private end(): void {
    this.isOver = true;
    this.cancelTelling?.();
    this.endRound();
  }
}
