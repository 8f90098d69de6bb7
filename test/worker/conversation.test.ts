import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { buildModel } from '../../src/model/index.js';
import { createLocalChannel, LOCKSTEP_VERSION, PROTOCOL_VERSION } from '../../src/protocol/index.js';
import type {
  CoordinatorChannel,
  CoordinatorMessage,
  NodeMessage,
  Parameters,
} from '../../src/protocol/index.js';
import { Conversation } from '../../src/worker/conversation.js';
import type { ConversationOptions } from '../../src/worker/conversation.js';
import type { ConversationEnd } from '../../src/worker/conversationEnd.js';
import type { AnsweredItem } from '../../src/worker/queuedItem.js';
import { MOST_WAITING_PER_THREAD } from '../../src/worker/workLimits.js';
import { wireByteLength } from '../../src/foundation/wire/format.js';
import { floatsOf } from '../support/analyticNode.js';
import { bye, evaluateMessage, parameters, refused, secretOf, welcome, work } from '../support/messages.js';
import { settled } from '../support/waiting.js';
import { DESCRIPTION, FakePool } from './fakePool.js';

const { layout } = buildModel('resnet8');
const WELCOME = welcome({ cropPadding: 2, labelSmoothing: 0.1 });

function weights(version: number, value = version): Parameters {
  const bytes = (length: number): Uint8Array => new Uint8Array(new Float32Array(length).fill(value).buffer);
  return parameters({
    version,
    parameters: bytes(layout.parameterCount),
    statistics: bytes(layout.statisticCount),
  });
}

interface Scene {
  readonly coordinator: CoordinatorChannel;
  readonly pool: FakePool;
  readonly conversation: Conversation;
  readonly received: NodeMessage[];
  readonly closings: string[];
  readonly end: () => ConversationEnd | undefined;
}

interface Setting extends Pick<ConversationOptions, 'sendsSums' | 'onAnswered'> {
  readonly threads?: number;
  readonly begin?: boolean;
}

async function conversing({ threads = 1, begin = true, ...options }: Setting = {}): Promise<Scene> {
  const { coordinatorEnd, nodeEnd } = createLocalChannel('a test');
  const pool = new FakePool(threads);
  const received: NodeMessage[] = [];
  const closings: string[] = [];
  coordinatorEnd.open({
    onMessage: (message) => received.push(message),
    onClose: (reason) => closings.push(reason),
  });
  const conversation = new Conversation({
    channel: nodeEnd,
    pool: pool.asPool,
    description: DESCRIPTION,
    nodeName: 'the node',
    nodeSecret: secretOf('the node'),
    ...options,
  });
  let end: ConversationEnd | undefined;
  void conversation.ended.then((how) => (end = how));
  if (begin) {
    coordinatorEnd.send(WELCOME);
    coordinatorEnd.send(weights(1));
  }
  await settled();
  return { coordinator: coordinatorEnd, pool, conversation, received, closings, end: () => end };
}

/** A micro-batch that is told from others by its label. */
const item = (microBatch: number, step = 1): ReturnType<typeof work> =>
  work({ step, microBatch, pixels: new Uint8Array(3072), labels: Uint8Array.of(microBatch) });

describe('a conversation', () => {
  it('tells of each item that it has answered, and of none that failed', async () => {
    const answered: AnsweredItem[] = [];
    const { coordinator, pool } = await conversing({ threads: 3, onAnswered: (item) => answered.push(item) });
    coordinator.send(item(0, 7));
    coordinator.send(item(1, 7));
    coordinator.send(evaluateMessage({ labels: Uint8Array.of(1, 2, 3), pixels: new Uint8Array(3 * 3072) }));
    await settled();
    pool.fail(new Error('out of memory'));
    pool.finish();
    pool.finish();
    await settled();
    expect(answered).toEqual([
      // The pool answers with the label as the loss.
      { kind: 'work', step: 7, sampleCount: 1, lossSum: 1, correct: 1 },
      { kind: 'evaluate', sampleCount: 3, lossSum: 1, correct: 1 },
    ]);
  });

  it('ends at the welcome of a run whose form of gradients this node has no room for', async () => {
    const { coordinator, pool, end, closings } = await conversing({ begin: false });
    const asked: string[] = [];
    pool.refusalFor = (wire) => {
      asked.push(wire);
      return wire === 'int8' ? 'too little address space' : undefined;
    };
    coordinator.send(welcome({ wire: 'int8' }));
    await settled();
    expect(asked).toEqual(['int8']);
    expect(end()).toMatchObject({ kind: 'refused', code: 'E_REFUSED', reason: 'too little address space' });
    expect(closings).toEqual(['too little address space']);
  });

  it('begins with a hello that says what the node brings', async () => {
    const { received } = await conversing({ threads: 3, begin: false });
    expect(received).toEqual([
      {
        type: 'hello',
        protocolVersion: PROTOCOL_VERSION,
        lockstepVersion: LOCKSTEP_VERSION,
        nodeName: 'the node',
        nodeSecret: secretOf('the node'),
        engine: 'wasm',
        device: 'a processor',
        numericsClass: 'test-class',
        exact: true,
        threads: 3,
      },
    ]);
  });

  it('sends a gradient in the wire form, of two a sum that is rounded again', async () => {
    const { coordinator, pool, received } = await conversing({ threads: 2, sendsSums: true, begin: false });
    coordinator.send({ ...WELCOME, wire: 'int8' });
    coordinator.send(weights(1));
    for (const microBatch of [0, 1]) coordinator.send({ ...item(microBatch), roundingKey: [1, 2] });
    await settled();
    expect(pool.pending.map(({ task }) => task)).toMatchObject([
      { session: { wire: 'int8' }, microBatch: 0, roundingKey: [1, 2] },
      { session: { wire: 'int8' }, microBatch: 1, roundingKey: [1, 2] },
    ]);
    pool.finish();
    pool.finish();
    await settled();
    const sum = received[1]!;
    if (sum.type !== 'sum') throw new Error(`a ${sum.type}`);
    expect(sum.gradientSum).toHaveLength(wireByteLength('int8', layout.parameterCount));
    // The pool answers 2 everywhere. Their sum is 4: 64 steps of a sixteenth.
    expect([...sum.gradientSum.subarray(0, 34)]).toEqual([123, ...new Array<number>(32).fill(64), 123]);
    expect(new Set(floatsOf(sum.statisticSum))).toEqual(new Set([6]));
  });

  it('has a gradient computed with the state it was sent, and answers with the item’s place', async () => {
    const { coordinator, pool, received } = await conversing();
    coordinator.send(work({ step: 9, microBatch: 4, augmentationKey: null, dropoutKey: [3, 4] }));
    await settled();
    const { task } = pool.pending[0]!;
    expect(task).toMatchObject({
      kind: 'gradient',
      engine: { name: 'wasm' },
      session: {
        network: WELCOME.network,
        normalisation: { mean: WELCOME.mean, standardDeviation: WELCOME.standardDeviation },
        augmentation: { cropPadding: 2, border: 'zero', cutout: 0, colourJitter: 0, mixup: 0 },
        labelSmoothing: 0.1,
        evaluationStatistics: 'running',
        evaluationViews: 'none',
        wire: 'float32',
      },
      augmentationKey: null,
      mirrored: null,
      dropoutKey: [3, 4],
      microBatch: 4,
      roundingKey: null,
    });
    expect(task.state.parameters).toHaveLength(layout.parameterCount);
    expect(new Set(task.state.parameters)).toEqual(new Set([1]));
    pool.finish();
    await settled();
    const answer = received[1]!;
    expect(answer).toMatchObject({
      type: 'result',
      step: 9,
      microBatch: 4,
      sampleCount: 2,
      lossSum: 4,
      correct: 1,
    });
    if (answer.type !== 'result') return;
    expect(new Set(floatsOf(answer.gradientSum))).toEqual(new Set([2]));
    expect(new Set(floatsOf(answer.statisticSum))).toEqual(new Set([3]));
    expect(pool.released).toBe(1); // the coordinator's handler has returned
  });

  it('answers evaluations', async () => {
    const { coordinator, pool, received } = await conversing();
    coordinator.send(evaluateMessage({ evaluation: 2, chunk: 3, labels: Uint8Array.of(7, 7) }));
    await settled();
    expect(pool.pending[0]!.task.kind).toBe('evaluate');
    pool.finish();
    await settled();
    expect(received[1]).toEqual({
      type: 'evaluated',
      evaluation: 2,
      chunk: 3,
      sampleCount: 2,
      lossSum: 7,
      correct: 1,
    });
  });

  it('answers an evaluation with the logits of each sample, if they are asked for', async () => {
    const { coordinator, pool, received } = await conversing();
    const labels = Uint8Array.of(7, 9);
    coordinator.send(evaluateMessage({ labels, wantsLogits: true }));
    await settled();
    pool.finish();
    await settled();
    const logits = new Uint8Array(Float32Array.of(7, 9).buffer);
    expect(received[1]).toMatchObject({ type: 'evaluated', logits });
  });

  it('begins the items in their order, no more at a time than there are threads', async () => {
    const { coordinator, pool, received } = await conversing({ threads: 2 });
    for (let index = 0; index < 5; index++) coordinator.send(item(index));
    await settled();
    expect(pool.begun).toEqual([0, 1]);
    for (let done = 1; done <= 5; done++) {
      pool.finish();
      await settled();
      expect(pool.begun).toEqual([0, 1, 2, 3, 4].slice(0, done + 2));
    }
    expect(received.slice(1).map((message) => message.type === 'result' && message.microBatch)).toEqual([
      0, 1, 2, 3, 4,
    ]);
  });

  it('forgets what was queued when new weights come: that round is over', async () => {
    const { coordinator, pool, received } = await conversing();
    for (const index of [0, 1, 2]) coordinator.send(item(index, 1));
    await settled();
    coordinator.send(weights(2));
    coordinator.send(item(7, 2));
    await settled();
    pool.finish(); // the one that was begun is still answered; the coordinator does not mind
    await settled();
    expect(pool.begun).toEqual([0, 7]);
    expect(new Set(pool.pending[0]!.task.state.parameters)).toEqual(new Set([2]));
    pool.finish();
    await settled();
    expect(received.slice(1).map((message) => message.type === 'result' && message.step)).toEqual([1, 2]);
  });

  it('computes an item that was begun with the weights that it was sent for, though newer ones come', async () => {
    const { coordinator, pool } = await conversing();
    coordinator.send(item(0));
    await settled();
    const { state } = pool.pending[0]!.task;
    coordinator.send(weights(2));
    await settled();
    expect(new Set(state.parameters)).toEqual(new Set([1]));
  });

  it('forgets a cancelled item that it has not begun, and only that one', async () => {
    const { coordinator, pool, received } = await conversing();
    for (const index of [0, 1, 2]) coordinator.send(item(index));
    coordinator.send({ type: 'cancel', item: 'work', round: 1, index: 0 }); // begun already
    coordinator.send({ type: 'cancel', item: 'work', round: 1, index: 1 });
    coordinator.send({ type: 'cancel', item: 'work', round: 2, index: 2 }); // of another step
    coordinator.send({ type: 'cancel', item: 'evaluate', round: 1, index: 2 }); // of another kind
    coordinator.send({ type: 'cancel', item: 'work', round: 1, index: 99 });
    await settled();
    pool.finish();
    await settled();
    pool.finish();
    await settled();
    expect(pool.begun).toEqual([0, 2]);
    expect(received.slice(1).map((message) => message.type === 'result' && message.microBatch)).toEqual([
      0, 2,
    ]);
  });

  it('says which item failed and why, and goes on with the next', async () => {
    const { coordinator, pool, received, closings } = await conversing();
    coordinator.send(item(0));
    coordinator.send(evaluateMessage({ evaluation: 5, chunk: 6 }));
    await settled();
    pool.fail(new Error('x'.repeat(3000)));
    await settled();
    pool.fail(new Error('out of memory'));
    await settled();
    expect(received.slice(1)).toEqual([
      { type: 'failed', item: 'work', round: 1, index: 0, reason: 'x'.repeat(2000) },
      { type: 'failed', item: 'evaluate', round: 5, index: 6, reason: 'out of memory' },
    ]);
    expect(closings).toEqual([]);
  });

  it('asks to leave when drained, and still answers what it has', async () => {
    const { coordinator, pool, conversation, received, end } = await conversing();
    coordinator.send(item(0));
    coordinator.send(item(1));
    await settled();
    conversation.drain();
    for (let done = 0; done < 2; done++) {
      await settled();
      pool.finish();
    }
    await settled();
    expect(received.slice(1).map(({ type }) => type)).toEqual(['drain', 'result', 'result']);
    coordinator.send(bye({ runEnded: false, reason: 'drained' }));
    coordinator.close('drained');
    await settled();
    expect(end()).toEqual({ kind: 'dismissed', reason: 'drained' });
  });
});

describe('a conversation over a wire, of a node with several threads', () => {
  /** Two siblings are being computed; the first is done. */
  async function waiting(): Promise<Scene> {
    const scene = await conversing({ threads: 2, sendsSums: true });
    scene.coordinator.send(item(4));
    scene.coordinator.send(item(5));
    await settled();
    scene.pool.finish();
    await settled();
    expect(scene.received.slice(1)).toEqual([]);
    return scene;
  }
  const typesOf = ({ received }: Scene): string[] => received.slice(1).map(({ type }) => type);

  // No result waits for longer than a quarter of its own time; here that would be next to nothing.
  beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
  afterEach(() => vi.useRealTimers());

  it('answers two siblings by their sum, with the losses of each', async () => {
    const scene = await waiting();
    scene.pool.finish();
    await settled();
    const [answer] = scene.received.slice(1);
    expect(answer).toMatchObject({
      type: 'sum',
      step: 1,
      microBatch: 4,
      leaves: [
        { sampleCount: 1, lossSum: 4, correct: 1 },
        { sampleCount: 1, lossSum: 5, correct: 1 },
      ],
    });
    if (answer?.type !== 'sum') return;
    expect(new Set(floatsOf(answer.gradientSum))).toEqual(new Set([4])); // twice the weights, twice
    expect(new Set(floatsOf(answer.statisticSum))).toEqual(new Set([6]));
    expect(scene.pool.released).toBe(2);
  });

  it.each<[string, (scene: Scene) => void]>([
    ['its sibling fails', ({ pool }) => pool.fail(new Error('out of memory'))],
    ['newer weights come', ({ coordinator }) => coordinator.send(weights(2))],
    [
      'it is to be kept apart',
      ({ coordinator }) => coordinator.send({ type: 'apart', step: 1, microBatch: 4 }),
    ],
    ['its sibling is', ({ coordinator }) => coordinator.send({ type: 'apart', step: 1, microBatch: 5 })],
    ['a quarter of its time has passed', () => vi.advanceTimersByTime(1)],
  ])('answers the first by itself when %s', async (_when, happen) => {
    const scene = await waiting();
    happen(scene);
    await settled();
    expect(typesOf(scene)[0]).toBe('result');
    expect(scene.received[1]).toMatchObject({ type: 'result', microBatch: 4, lossSum: 4 });
    if (scene.pool.pending.length > 0) scene.pool.finish();
    await settled();
    expect(typesOf(scene)).toHaveLength(2); // and the second, or its failure
    expect(typesOf(scene)).not.toContain('sum');
  });

  it('answers evaluations meanwhile, each by itself', async () => {
    const scene = await waiting();
    scene.coordinator.send(evaluateMessage({ evaluation: 2, chunk: 3 }));
    await settled();
    scene.pool.finish(1);
    await settled();
    expect(typesOf(scene)).toEqual(['evaluated']);
    scene.pool.finish();
    await settled();
    expect(typesOf(scene)).toEqual(['evaluated', 'sum']);
  });

  it('hands in a sum when it is drained', async () => {
    const scene = await waiting();
    scene.conversation.drain();
    scene.pool.finish();
    await settled();
    expect(typesOf(scene)).toEqual(['drain', 'sum']);
  });

  it('gives all memory back when the channel closes', async () => {
    const scene = await waiting();
    expect(scene.pool.released).toBe(0);
    scene.coordinator.close('the connection was lost');
    await settled();
    expect(scene.pool.released).toBe(1);
    scene.pool.finish();
    await settled();
    expect(scene.pool.released).toBe(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('sends no sums with a single thread', async () => {
    const scene = await conversing({ threads: 1, sendsSums: true });
    scene.coordinator.send(item(4));
    scene.coordinator.send(item(5));
    for (let done = 0; done < 2; done++) {
      await settled();
      scene.pool.finish();
    }
    await settled();
    expect(typesOf(scene)).toEqual(['result', 'result']);
  });
});

describe('a conversation ends', () => {
  it.each<[string, CoordinatorMessage, ConversationEnd]>([
    ['with the run', bye({ runEnded: true, reason: 'done' }), { kind: 'run-ended', reason: 'done' }],
    [
      'by a stop in mid-run',
      bye({ runEnded: false, reason: 'stopped' }),
      { kind: 'lost', reason: 'stopped' },
    ],
    [
      'by refusal, for a breach of the protocol',
      refused({ code: 'E_PROTOCOL', reason: 'too old' }),
      { kind: 'refused', code: 'E_PROTOCOL', reason: 'too old' },
    ],
    ...['E_REFUSED', 'E_INTERNAL', 'constructor', ''].map(
      (code) =>
        [
          `by refusal, with the code ${code}`,
          refused({ code, reason: 'too bad' }),
          { kind: 'refused', code: 'E_REFUSED', reason: 'too bad' },
        ] as [string, CoordinatorMessage, ConversationEnd],
    ),
  ])('%s', async (_how, lastMessage, expected) => {
    const { coordinator, end } = await conversing();
    coordinator.send(lastMessage);
    coordinator.close('closing');
    await settled();
    expect(end()).toEqual(expected);
  });

  it('by the last word, though the coordinator closes nothing', async () => {
    const { coordinator, pool, end, closings } = await conversing();
    coordinator.send(item(0));
    coordinator.send(bye({ runEnded: true, reason: 'done' }));
    coordinator.send(item(1));
    await settled();
    expect(end()).toEqual({ kind: 'run-ended', reason: 'done' });
    expect(closings).toEqual(['done']);
    pool.finish();
    await settled();
    expect(pool.begun).toEqual([0]);
  });

  it('by the loss of the channel; nothing queued is begun after it', async () => {
    const { coordinator, pool, end } = await conversing();
    coordinator.send(item(0));
    coordinator.send(item(1));
    await settled();
    coordinator.close('the connection was lost');
    await settled();
    expect(end()).toEqual({ kind: 'lost', reason: 'the connection was lost' });
    pool.finish();
    await settled();
    expect(pool.begun).toEqual([0]);
  });

  it.each([
    ['a network that is not JSON', { network: 'vgg16' }],
    ['a kind of layer that it does not know', { network: WELCOME.network.replace('"relu"', '"attention"') }],
    [
      'a network whose layers do not fit',
      { network: WELCOME.network.replace('"channels":10', '"channels":11') },
    ],
  ])('for good by the node, on %s', async (_what, change) => {
    const { coordinator, end, closings } = await conversing({ begin: false });
    coordinator.send({ ...WELCOME, ...change });
    await settled();
    expect(closings).toHaveLength(1);
    expect(end()).toMatchObject({ kind: 'refused', code: 'E_REFUSED' });
    expect(end()!.reason).toMatch(/same Lockstep version/);
  });

  it.each<[string, readonly CoordinatorMessage[]]>([
    ['weights before the welcome', [weights(1)]],
    ['work before the welcome', [work()]],
    ['work before weights', [WELCOME, work()]],
    ['an evaluation before weights', [WELCOME, evaluateMessage()]],
    ['weights of another length', [WELCOME, parameters()]],
    ['weights without statistics', [WELCOME, { ...weights(1), statistics: new Uint8Array(0) }]],
    ['a second welcome', [WELCOME, WELCOME]],
    ['a standardisation of other channels', [welcome({ mean: [0.5], standardDeviation: [0.5] })]],
    ['the key of a rounding that draws nothing', [WELCOME, weights(1), work({ roundingKey: [1, 2] })]],
    ['no key of a rounding that draws', [{ ...WELCOME, wire: 'int8' }, weights(1), work()]],
    ['flips for other samples', [WELCOME, weights(1), work({ mirrored: new Uint8Array(3) })]],
    ['an item of too many samples', [WELCOME, weights(1), work({ pixels: new Uint8Array(4097 * 3072) })]],
    [
      'labels beyond all samples',
      [WELCOME, weights(1), evaluateMessage({ labels: new Uint8Array(2 ** 24) })],
    ],
    [
      'a micro-batch that no batch is cut into',
      [WELCOME, weights(1), { type: 'apart', step: 1, microBatch: 65_536 }],
    ],
  ])('by the node, on %s', async (_what, messages) => {
    const { coordinator, closings, pool, end } = await conversing({ begin: false });
    for (const message of messages) coordinator.send(message);
    await settled();
    expect(closings).toEqual([expect.stringMatching(/broke the protocol/)]);
    expect(end()?.kind).toBe('lost');
    expect(pool.begun).toEqual([]);
  });

  it.each(['work', 'evaluate'] as const)('by the node, on more %s than it can be owed', async (kind) => {
    const { coordinator, closings, pool, end } = await conversing({ threads: 2 });
    const send = (index: number): void =>
      coordinator.send(kind === 'work' ? item(index) : evaluateMessage({ chunk: index }));
    const owed = 2 + 2 * MOST_WAITING_PER_THREAD;
    for (let index = 0; index < owed; index++) send(index);
    await settled();
    expect(closings).toEqual([]);
    expect(pool.begun).toHaveLength(2);
    send(owed);
    send(owed + 1);
    await settled();
    expect(closings).toEqual([expect.stringMatching(/broke the protocol: more than 8 items at once/)]);
    expect(end()?.kind).toBe('lost');
    pool.finish();
    await settled();
    expect(pool.begun).toHaveLength(2); // nothing that waited is kept
  });

  it('not by the node, on as many items as it answers', async () => {
    const { coordinator, closings, pool } = await conversing();
    for (let index = 0; index < 50; index++) {
      coordinator.send(item(index));
      await settled();
      pool.finish();
    }
    await settled();
    expect(closings).toEqual([]);
    expect(pool.begun).toHaveLength(50);
  });
});

describe('a node that wants to leave', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
  afterEach(() => vi.useRealTimers());

  it('goes by itself when it holds nothing and no goodbye comes', async () => {
    const { coordinator, conversation, pool, end } = await conversing();
    coordinator.send(item(0));
    await settled();
    conversation.drain();
    vi.advanceTimersByTime(60_000);
    await settled();
    expect(end()).toBeUndefined(); // it computes
    pool.finish();
    await settled();
    vi.advanceTimersByTime(10_000);
    await settled();
    expect(end()).toMatchObject({ kind: 'dismissed' });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is not kept by ever more work', async () => {
    const { coordinator, conversation, pool, end } = await conversing();
    conversation.drain();
    coordinator.send(item(0)); // was on its way
    await settled();
    pool.finish();
    for (let microBatch = 1; microBatch < 30; microBatch++) {
      await settled();
      vi.advanceTimersByTime(1000);
      if (end()) break;
      coordinator.send(item(microBatch));
      await settled();
      if (pool.pending.length > 0) pool.finish();
    }
    expect(end()).toMatchObject({ kind: 'dismissed' });
    expect(pool.begun.length).toBeGreaterThan(1);
  });

  it('waits for no deadline once it is let go', async () => {
    const { coordinator, conversation, end } = await conversing();
    conversation.drain();
    coordinator.send(bye({ runEnded: false, reason: 'drained' }));
    await settled();
    expect(end()).toEqual({ kind: 'dismissed', reason: 'drained' });
    expect(vi.getTimerCount()).toBe(0);
  });
});
