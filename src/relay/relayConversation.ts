/**
 * A relay's side of the conversation with its coordinator. To the coordinator it is a node with the workers of all nodes
 * beneath it; it computes nothing itself.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Fleet, Workforce } from '../coordinator/index.js';
import { imageByteCount } from '../data/index.js';
import { describeError } from '../foundation/errors.js';
import { networkFromText } from '../model/index.js';
import type { Model } from '../model/index.js';
import { Broadcast, LARGEST_SUM, LOCKSTEP_VERSION, PROTOCOL_VERSION } from '../protocol/index.js';
import type {
  Bye,
  CoordinatorMessage,
  Evaluate,
  NodeChannel,
  Parameters,
  Refused,
  Welcome,
  Work,
} from '../protocol/index.js';
import { Departure, endOf, exceededLimit, messageOf, SiblingSums } from '../worker/index.js';
import type { ConversationEnd, Dialogue } from '../worker/index.js';
import type { Crew } from './crew.js';
import { RelayRound, roundOf } from './relayRound.js';

export interface RelayConversationOptions {
  readonly channel: NodeChannel;
  readonly nodeSecret: string;
  readonly nodeName: string;
  readonly crew: Crew;
  readonly onWelcome?: ((welcome: Welcome, model: Model) => void) | undefined;
}

/** Workers that come and go at once are told together. */
const TELL_EVERY_MS = 1_000;
const LONGEST_REASON = 2000;

/** The run, once the coordinator has told of it. */
interface Run {
  readonly model: Model;
  readonly fleet: Fleet;
}

export class RelayConversation implements Dialogue {
  readonly ended: Promise<ConversationEnd>;
  private resolveEnded: (end: ConversationEnd) => void = () => undefined;
  private run: Run | undefined;
  private state: Broadcast<Parameters> | undefined;
  private round: RelayRound | undefined;
  private told: Workforce;
  /** A coordinator may not know yet that there are fewer now. */
  private mostThreads: number;
  private timer: NodeJS.Timeout | undefined;
  private toldAtMs = -Infinity;
  private lastMessage: Bye | Refused | undefined;
  private draining = false;
  private isOver = false;
  private readonly sums: SiblingSums;
  private readonly departure = new Departure({
    isBusy: () => (this.round?.openCount ?? 0) > 0,
    leave: (reason) => this.leave({ type: 'bye', runEnded: false, reason }),
  });

  constructor(private readonly options: RelayConversationOptions) {
    const { channel, crew } = options;
    this.told = crew.workforce();
    this.mostThreads = this.told.threads;
    this.sums = new SiblingSums({
      largest: () => Math.min(this.mostThreads, LARGEST_SUM),
      send: (sum) => channel.send(messageOf(sum), sum.release),
    });
    this.ended = new Promise((resolve) => {
      this.resolveEnded = resolve;
      channel.open({
        onMessage: (message) => this.receive(message),
        onClose: (reason) => this.end(reason),
      });
    });
    crew.onWorkers = () => this.tellWorkersSoon();
    this.sayHello();
  }

  /** Asks to leave. Items already received are still answered; then the coordinator sends `bye`. */
  drain(): void {
    this.draining = true;
    this.options.channel.send({ type: 'drain' });
    this.departure.begin();
  }

  private receive(message: CoordinatorMessage): void {
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
        return;
      case 'bye':
      case 'refused':
        this.leave(message);
    }
  }

  private sayHello(): void {
    const { channel, nodeName, nodeSecret } = this.options;
    channel.send({
      type: 'hello',
      protocolVersion: PROTOCOL_VERSION,
      lockstepVersion: LOCKSTEP_VERSION,
      nodeName,
      nodeSecret,
      ...this.told,
    });
  }

  private start(welcome: Welcome): void {
    if (this.run) return this.closeForBreach('a second welcome');
    const model = this.build(welcome.network);
    if (!model) return;
    this.run = { model, fleet: this.options.crew.enter(welcome, model) };
    this.options.onWelcome?.(welcome, model);
    this.tellWorkersSoon();
  }

  private build(network: string): Model | undefined {
    try {
      return networkFromText(network, 'of the coordinator');
    } catch (error) {
      const reason = `${describeError(error)}; use the same Lockstep version on both machines`;
      this.leave({ type: 'refused', code: 'E_REFUSED', reason: reason.slice(0, LONGEST_REASON) });
      return undefined;
    }
  }

  private receiveWeights({ parameters, statistics }: Parameters): void {
    if (!this.run) return this.closeForBreach('parameters came before welcome');
    const { parameterCount, statisticCount } = this.run.model.layout;
    if (parameters.byteLength !== 4 * parameterCount || statistics.byteLength !== 4 * statisticCount) {
      return this.closeForBreach('parameters of another length than the model has');
    }
    // New weights end every earlier round.
    this.endRound();
    const version = this.options.crew.nextVersion();
    this.state = new Broadcast({ type: 'parameters', version, parameters, statistics });
  }

  private take(message: Work | Evaluate): void {
    const { run, state } = this;
    if (!run || !state) return this.closeForBreach(`${message.type} came before parameters`);
    if (this.lastMessage || this.departure.isLate) return;
    const exceeded = exceededLimit(message, {
      threads: this.mostThreads,
      waiting: this.round?.openCount ?? 0,
      unsent: this.options.channel.unsentCount,
      imageBytes: imageByteCount(run.model.inputShape),
    });
    if (exceeded !== undefined) return this.closeForBreach(exceeded);
    const number = roundOf(message);
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
      ...{ layout: run.model.layout, classCount: run.model.classCount },
      ...{ fleet: run.fleet, sums: this.sums },
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
    if (this.isOver || this.timer) return;
    const waitMs = Math.max(0, this.toldAtMs + TELL_EVERY_MS - performance.now());
    this.timer = setTimeout(() => this.tellWorkers(), waitMs);
  }

  private tellWorkers(): void {
    this.timer = undefined;
    const workforce = this.options.crew.workforce();
    if (this.isOver || isDeepStrictEqual(workforce, this.told)) return;
    this.toldAtMs = performance.now();
    this.told = workforce;
    this.mostThreads = Math.max(this.mostThreads, workforce.threads);
    // The coordinator gives all items to others now.
    if (workforce.threads === 0) this.endRound();
    this.options.channel.send({ type: 'workers', ...workforce });
  }

  private leave(lastMessage: Bye | Refused): void {
    this.lastMessage ??= lastMessage;
    this.options.channel.close(lastMessage.reason);
    this.end(lastMessage.reason);
  }

  private end(reason: string): void {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.timer);
    this.endRound();
    this.departure.end();
    this.resolveEnded(endOf(this.lastMessage, reason, this.draining));
  }

  private closeForBreach(reason: string): void {
    this.options.channel.breach(`the coordinator broke the protocol: ${reason}`);
  }
}
