/**
 * A node's side of the protocol on one channel: says hello, receives the weights and the work, has its threads
 * compute, answers. Keeps no state that the coordinator could not hand to another node.
 */

import { LARGEST_SUM, LOCKSTEP_VERSION, PROTOCOL_VERSION } from '../protocol/index.js';
import type {
  Apart,
  Bye,
  Evaluate,
  NodeChannel,
  Parameters,
  RefusalCode,
  Refused,
  Welcome,
  Work,
} from '../protocol/index.js';
import { describeError, LockstepError } from '../foundation/errors.js';
import { littleEndianBytes } from '../foundation/littleEndian.js';
import type { EngineDescription } from '../engine/index.js';
import { imageByteCount } from '../data/index.js';
import { networkFromText } from '../model/index.js';
import type { Model } from '../model/index.js';
import type { ComputePool } from './computePool.js';
import { Departure } from './departure.js';
import { excessOf, MOST_APART } from './owedWork.js';
import { SharedWeights } from './sharedWeights.js';
import { SiblingSums } from './siblingSums.js';
import type { GradientSum } from './siblingSums.js';
import type { ComputeSession, ItemAnswer, ItemTask, SharedState } from './task.js';

/** How a conversation came to its end. */
export type ConversationEnd =
  | { readonly kind: 'run-ended'; readonly reason: string }
  | { readonly kind: 'dismissed'; readonly reason: string }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly reason: string }
  | { readonly kind: 'lost'; readonly reason: string };

export interface ConversationOptions {
  readonly channel: NodeChannel;
  readonly pool: ComputePool;
  readonly description: EngineDescription;
  readonly nodeName: string;
  /** The same in all conversations of a node; see `helloSchema`. */
  readonly nodeSecret: string;
  /** Whether results are added before they are sent, where that is possible: worth it where bytes travel. */
  readonly sendsSums?: boolean;
  /** Shared by the conversations of one node, one after another; left out: this one has the threads for itself. */
  readonly busy?: BusyThreads;
  readonly onWelcome?: (welcome: Welcome, model: Model) => void;
  /** Told of each item that was computed. */
  readonly onAnswered?: (item: AnsweredItem) => void;
}

/** The threads of a node that compute. What an earlier conversation has begun still takes its thread. */
export class BusyThreads {
  count = 0;
  /** Called when one is free again; the latest conversation has it. */
  onFree: () => void = () => undefined;
}

/** An item that a node has computed. */
export type AnsweredItem =
  | { readonly kind: 'work'; readonly step: number; readonly sampleCount: number }
  | { readonly kind: 'evaluate'; readonly sampleCount: number };

/** An item with the weights it is to be computed with. */
interface QueuedItem {
  readonly message: Work | Evaluate;
  readonly session: ComputeSession;
  readonly state: SharedState;
}

export class Conversation {
  /** Resolves when the channel is closed, however that came about, or nothing more is to be expected of it. */
  readonly ended: Promise<ConversationEnd>;
  private resolveEnded: (end: ConversationEnd) => void = () => undefined;
  private readonly queue: QueuedItem[] = [];
  private readonly busy: BusyThreads;
  private session: ComputeSession | undefined;
  private weights: SharedWeights | undefined;
  private imageBytes = 0;
  private farewell: Bye | Refused | undefined;
  private draining = false;
  private readonly sums: SiblingSums;
  private readonly departure = new Departure({
    isBusy: () => this.busy.count > 0 || this.queue.length > 0,
    leave: (reason) => this.part({ type: 'bye', runEnded: false, reason }),
  });

  constructor(private readonly options: ConversationOptions) {
    const { channel, pool, sendsSums = false, busy = new BusyThreads() } = options;
    this.busy = busy;
    busy.onFree = () => this.pump();
    this.sums = new SiblingSums({
      largest: sendsSums ? Math.min(pool.threads, LARGEST_SUM) : 1,
      send: (sum) => this.sendSum(sum),
    });
    this.ended = new Promise((resolve) => {
      this.resolveEnded = resolve;
      channel.open({
        onMessage: (message) => {
          switch (message.type) {
            case 'welcome':
              return this.start(message);
            case 'parameters':
              return this.receiveWeights(message);
            case 'work':
            case 'evaluate':
              return this.enqueue(message);
            case 'cancel':
              return this.forget(message.item, message.round, message.index);
            case 'apart':
              return this.keepApart(message);
            case 'bye':
            case 'refused':
              this.part(message);
          }
        },
        onClose: (reason) => this.end(reason),
      });
    });
    this.sayHello();
  }

  /** Asks to leave: what was received is still answered, nothing more is taken, and then the coordinator says bye. */
  drain(): void {
    this.draining = true;
    this.options.channel.send({ type: 'drain' });
    this.departure.begin();
  }

  /** The last word has been said. The other side need not close the channel, nor answer that this one does. */
  private part(farewell: Bye | Refused): void {
    this.farewell ??= farewell;
    this.options.channel.close(farewell.reason);
    this.end(farewell.reason);
  }

  private end(reason: string): void {
    this.queue.length = 0;
    this.sums.flush(); // to nowhere, but the memory is given back
    this.departure.end();
    this.resolveEnded(endOf(this.farewell, reason, this.draining));
  }

  private sayHello(): void {
    const { channel, description, nodeName, nodeSecret, pool } = this.options;
    channel.send({
      type: 'hello',
      protocolVersion: PROTOCOL_VERSION,
      lockstepVersion: LOCKSTEP_VERSION,
      nodeName,
      nodeSecret,
      engine: description.name,
      device: description.device,
      numericsClass: description.numericsClass,
      exact: description.exact,
      threads: pool.threads,
    });
  }

  private start(welcome: Welcome): void {
    if (this.session) return this.complain('a second welcome');
    const { network, mean, standardDeviation } = welcome;
    const model = this.build(network);
    if (model === undefined) return;
    const { layout, inputShape } = model;
    if (mean.length !== inputShape.channels || standardDeviation.length !== inputShape.channels) {
      return this.complain(`${mean.length} means for images of ${inputShape.channels} channels`);
    }
    this.imageBytes = imageByteCount(inputShape);
    this.session = {
      network,
      normalisation: { mean, standardDeviation },
      cropPadding: welcome.cropPadding,
      labelSmoothing: welcome.labelSmoothing,
      evaluationStatistics: welcome.evaluationStatistics,
    };
    this.weights = new SharedWeights(layout.parameterCount, layout.statisticCount);
    this.options.onWelcome?.(welcome, model);
  }

  /** Checks the list of layers and builds the network; leaves if it cannot be used. */
  private build(network: string): Model | undefined {
    try {
      return networkFromText(network, 'of the coordinator');
    } catch (error) {
      const reason = `${describeError(error)}; use the same Lockstep version on both machines`;
      this.part({ type: 'refused', code: 'E_REFUSED', reason: reason.slice(0, 2000) });
      return undefined;
    }
  }

  private receiveWeights(message: Parameters): void {
    if (!this.weights) return this.complain('parameters came before welcome');
    // New weights mean that every earlier round is over: nobody waits for what is still queued.
    this.queue.length = 0;
    this.sums.flush();
    if (!this.weights.replace(message)) this.complain('parameters of another length than the model has');
  }

  private enqueue(message: Work | Evaluate): void {
    const state = this.weights?.current;
    if (!this.session || !state) return this.complain(`${message.type} came before parameters`);
    if (this.farewell || this.departure.isLate) return;
    const { channel, pool } = this.options;
    const excess = excessOf(message, {
      threads: pool.threads,
      waiting: this.queue.length,
      unsent: channel.unsentCount,
      imageBytes: this.imageBytes,
    });
    if (excess !== undefined) return this.complain(excess);
    this.queue.push({ message, session: this.session, state });
    this.pump();
  }

  private keepApart({ step, microBatch }: Apart): void {
    if (microBatch >= MOST_APART) return this.complain(`micro-batch ${microBatch} is to be kept apart`);
    this.sums.keepApart(step, microBatch);
  }

  private forget(type: 'work' | 'evaluate', round: number, index: number): void {
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
      // The thread's next item first, then the answer: what is made of it takes time, in this process maybe.
      const next = (): void => {
        this.busy.count--;
        this.busy.onFree();
      };
      computed.then(next, next);
      void this.answer(item.message, computed);
    }
  }

  private async answer(message: Work | Evaluate, computed: Promise<ItemAnswer>): Promise<void> {
    const { channel, onAnswered } = this.options;
    try {
      const answer = await computed;
      if (answer.kind === 'gradient' && message.type === 'work') {
        this.sums.finish(message.step, message.microBatch, answer);
      } else if (answer.kind === 'evaluation' && message.type === 'evaluate') {
        const { evaluation, chunk } = message;
        const { sampleCount, lossSum, correct } = answer;
        channel.send({ type: 'evaluated', evaluation, chunk, sampleCount, lossSum, correct });
      } else {
        throw new LockstepError('E_INTERNAL', `a thread answered ${answer.kind} to ${message.type}`);
      }
      onAnswered?.(answeredItem(message));
    } catch (error) {
      const reason = describeError(error).slice(0, 2000);
      if (message.type === 'work') this.sums.fail(message.step, message.microBatch);
      channel.send({ type: 'failed', item: message.type, ...placeOf(message), reason });
    }
  }

  private sendSum({ step, first, leaves, release, ...vectors }: GradientSum): void {
    const common = {
      step,
      microBatch: first,
      gradientSum: littleEndianBytes(vectors.gradientSum),
      statisticSum: littleEndianBytes(vectors.statisticSum),
    };
    const [leaf] = leaves;
    this.options.channel.send(
      leaf && leaves.length === 1
        ? { type: 'result', ...leaf, ...common }
        : { type: 'sum', leaves: [...leaves], ...common },
      release,
    );
  }

  private complain(reason: string): void {
    this.options.channel.breach(`the coordinator broke the protocol: ${reason}`);
  }
}

function taskOf({ message, session, state }: QueuedItem, { engine }: ComputePool): ItemTask {
  const { pixels, labels } = message;
  const common = { engine, session, state, pixels, labels };
  if (message.type === 'evaluate') return { kind: 'evaluate', ...common };
  const { augmentationKey, dropoutKey } = message;
  return { kind: 'gradient', ...common, augmentationKey, dropoutKey };
}

function answeredItem(message: Work | Evaluate): AnsweredItem {
  const sampleCount = message.labels.length;
  return message.type === 'work'
    ? { kind: 'work', step: message.step, sampleCount }
    : { kind: 'evaluate', sampleCount };
}

function placeOf(message: Work | Evaluate): { round: number; index: number } {
  return message.type === 'work'
    ? { round: message.step, index: message.microBatch }
    : { round: message.evaluation, index: message.chunk };
}

/** A coordinator that says goodbye in mid-run, to a node that did not ask for it, may come back: see `lost`. */
function endOf(farewell: Bye | Refused | undefined, reason: string, draining: boolean): ConversationEnd {
  if (!farewell) return { kind: 'lost', reason };
  if (farewell.type === 'refused') {
    return { kind: 'refused', code: refusalCodeOf(farewell), reason: farewell.reason };
  }
  if (farewell.runEnded) return { kind: 'run-ended', reason: farewell.reason };
  return { kind: draining ? 'dismissed' : 'lost', reason: farewell.reason };
}

function refusalCodeOf({ code }: Refused): RefusalCode {
  return code === 'E_PROTOCOL' ? code : 'E_REFUSED';
}
