/**
 * A node's side of the protocol on one channel: sends hello, receives weights and items, has its threads compute, and
 * answers. Keeps no state that another node would need.
 */

import { LARGEST_SUM } from '../protocol/index.js';
import type { Evaluate, Parameters, Welcome, Work } from '../protocol/index.js';
import type { Clock } from '../foundation/clock.js';
import { describeError, LockstepError } from '../foundation/errors.js';
import { littleEndianBytes } from '../foundation/littleEndian.js';
import type { EngineDescription } from '../engine/index.js';
import { imageByteCount } from '../data/index.js';
import type { Model } from '../model/index.js';
import type { ConversationEnd } from './conversationEnd.js';
import type { ItemPool } from './itemPool.js';
import { NodeDialogue } from './nodeDialogue.js';
import type { Dialogue, MessageToOwner, NodeDialogueOptions } from './nodeDialogue.js';
import { answeredItem, placeOf, taskOf } from './queuedItem.js';
import type { AnsweredItem, QueuedItem } from './queuedItem.js';
import { exceededLimit } from './workLimits.js';
import { SharedWeights } from './sharedWeights.js';
import { messageOf, SiblingSums } from './siblingSums.js';
import type { ComputeSession, ItemAnswer } from './task.js';

export interface ConversationOptions extends Pick<
  NodeDialogueOptions,
  'channel' | 'nodeName' | 'nodeSecret' | 'onlyClassOfRun'
> {
  readonly pool: ItemPool;
  readonly description: EngineDescription;
  /** Whether to add results before they are sent, where possible. Useful over a network. */
  readonly sendsSums?: boolean;
  /** Shared by all conversations of a node; default: this conversation has the threads for itself. */
  readonly busy?: BusyThreads;
  /** Left out: the real one. */
  readonly clock?: Clock;
  readonly onWelcome?: (welcome: Welcome, model: Model) => void;
  /** Called for each item that was computed. */
  readonly onAnswered?: (item: AnsweredItem) => void;
}

/** How many threads of a node are computing. Items of an earlier conversation still occupy their threads. */
export class BusyThreads {
  count = 0;
  /** Called when a thread is free. Set by the latest conversation. */
  onFree: () => void = () => undefined;
}

export class Conversation implements Dialogue {
  readonly ended: Promise<ConversationEnd>;
  private readonly queue: QueuedItem[] = [];
  private readonly busy: BusyThreads;
  private session: ComputeSession | undefined;
  private weights: SharedWeights | undefined;
  private imageBytes = 0;
  private readonly sums: SiblingSums;
  private readonly dialogue: NodeDialogue;

  constructor(private readonly options: ConversationOptions) {
    const { channel, pool, description, sendsSums = false, busy = new BusyThreads(), clock } = options;
    this.busy = busy;
    busy.onFree = () => this.pump();
    this.sums = new SiblingSums({
      largest: () => (sendsSums ? Math.min(pool.threads, LARGEST_SUM) : 1),
      send: (sum) => channel.send(messageOf(sum), sum.release),
      clock,
    });
    this.dialogue = new NodeDialogue({
      ...options,
      onMessage: (message) => this.receive(message),
      isBusy: () => this.busy.count > 0 || this.queue.length > 0,
      onEnd: () => {
        this.queue.length = 0;
        this.sums.flush(); // cannot be sent any more, but releases the memory
      },
    });
    this.ended = this.dialogue.ended;
    const { name: engine, device, numericsClass, exact } = description;
    this.dialogue.open({ engine, device, numericsClass, exact, threads: pool.threads });
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
        return this.enqueue(message);
      case 'cancel':
        return this.cancel(message.item, message.round, message.index);
      case 'apart':
        this.sums.keepApart(message.step, message.microBatch);
    }
  }

  private start(welcome: Welcome): void {
    if (this.session) return this.dialogue.closeForBreach('a second welcome');
    const { network, mean, standardDeviation } = welcome;
    const model = this.dialogue.build(network);
    if (model === undefined) return;
    const { layout, inputShape } = model;
    if (mean.length !== inputShape.channels || standardDeviation.length !== inputShape.channels) {
      return this.dialogue.closeForBreach(
        `${mean.length} means for images of ${inputShape.channels} channels`,
      );
    }
    const refusal = this.options.pool.refusalFor?.(welcome.wire);
    if (refusal !== undefined) return this.dialogue.refuse(refusal);
    this.imageBytes = imageByteCount(inputShape);
    this.session = {
      network,
      normalisation: { mean, standardDeviation },
      augmentation: {
        cropPadding: welcome.cropPadding,
        border: welcome.border,
        cutout: welcome.cutout,
        colourJitter: welcome.colourJitter,
        mixup: welcome.mixup,
      },
      labelSmoothing: welcome.labelSmoothing,
      evaluationStatistics: welcome.evaluationStatistics,
      evaluationViews: welcome.evaluationViews,
      wire: welcome.wire,
    };
    this.weights = new SharedWeights(layout.parameterCount, layout.statisticCount);
    this.options.onWelcome?.(welcome, model);
  }

  private receiveWeights(message: Parameters): void {
    if (!this.weights) return this.dialogue.closeForBreach('parameters came before welcome');
    // New weights end every earlier round: queued items are no longer wanted.
    this.queue.length = 0;
    this.sums.flush();
    if (!this.weights.replace(message))
      this.dialogue.closeForBreach('parameters of another length than the model has');
  }

  private enqueue(message: Work | Evaluate): void {
    const state = this.weights?.current;
    if (!this.session || !state)
      return this.dialogue.closeForBreach(`${message.type} came before parameters`);
    if (!this.dialogue.takesItems) return;
    const { channel, pool } = this.options;
    const exceeded = exceededLimit(message, {
      threads: pool.threads,
      waiting: this.queue.length,
      unsent: channel.unsentCount,
      imageBytes: this.imageBytes,
      wire: this.session.wire,
    });
    if (exceeded !== undefined) return this.dialogue.closeForBreach(exceeded);
    this.queue.push({ message, session: this.session, state });
    this.pump();
  }

  private cancel(type: 'work' | 'evaluate', round: number, index: number): void {
    const position = this.queue.findIndex(({ message }) => {
      const place = placeOf(message);
      return message.type === type && place.round === round && place.index === index;
    });
    if (position >= 0) this.queue.splice(position, 1);
  }

  private pump(): void {
    while (this.busy.count < this.options.pool.threads) {
      const item = this.queue.shift();
      if (!item) return;
      this.busy.count++;
      if (item.message.type === 'work') this.sums.begin(item.message.step, item.message.microBatch);
      const computed = this.options.pool.run(taskOf(item, this.options.pool));
      // Start the thread's next item before the answer is handled: handling takes time.
      const next = (): void => {
        this.busy.count--;
        this.busy.onFree();
      };
      computed.then(next, next);
      void this.answer(item, computed);
    }
  }

  private async answer({ message, session }: QueuedItem, computed: Promise<ItemAnswer>): Promise<void> {
    const { channel, onAnswered } = this.options;
    try {
      const answer = await computed;
      if (answer.kind === 'gradient' && message.type === 'work') {
        const { sampleCount, lossSum, correct, ...vectors } = answer;
        const leaves = [{ sampleCount, lossSum, correct }];
        const { step, microBatch: first, roundingKey: key } = message;
        this.sums.finish({ step, first, leaves, rounding: { format: session.wire, key }, ...vectors });
      } else if (answer.kind === 'evaluation' && message.type === 'evaluate') {
        const { evaluation, chunk, wantsLogits } = message;
        const { sampleCount, lossSum, correct } = answer;
        const logits = wantsLogits ? { logits: littleEndianBytes(answer.logits) } : {};
        channel.send({ type: 'evaluated', evaluation, chunk, sampleCount, lossSum, correct, ...logits });
      } else {
        throw new LockstepError('E_INTERNAL', `a thread answered ${answer.kind} to ${message.type}`);
      }
      onAnswered?.(answeredItem(message, answer));
    } catch (error) {
      const reason = describeError(error).slice(0, 2000);
      if (message.type === 'work') this.sums.fail(message.step, message.microBatch);
      channel.send({ type: 'failed', item: message.type, ...placeOf(message), reason });
    }
  }
}
