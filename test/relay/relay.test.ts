import { beforeEach, describe, expect, it } from 'vitest';
import { Fleet } from '../../src/coordinator/index.js';
import type { Answer, RunEvent } from '../../src/coordinator/index.js';
import type { Clock } from '../../src/foundation/clock.js';
import { floatsFromLittleEndian, littleEndianBytes } from '../../src/foundation/littleEndian.js';
import { networkFromText } from '../../src/model/index.js';
import { Broadcast, createLocalChannel } from '../../src/protocol/index.js';
import type {
  CoordinatorMessage,
  Evaluated,
  Parameters,
  Result,
  Welcome,
  Work,
} from '../../src/protocol/index.js';
import { Crew } from '../../src/relay/crew.js';
import { RelayConversation } from '../../src/relay/relayConversation.js';
import type { hello } from '../support/messages.js';
import { evaluated, evaluateMessage, result, secretOf, welcome, work, workers } from '../support/messages.js';
import type { ScriptedNode } from '../support/scriptedNode.js';
import { attached } from '../support/scriptedNode.js';
import { settled, until } from '../support/waiting.js';

const WELCOME = welcome();
const { layout, classCount } = networkFromText(WELCOME.network, 'of a test');

/** A clock that stands still unless the test lets time pass. */
class StillClock implements Clock {
  private passedMs = 0;
  private readonly timers = new Set<{ readonly atMs: number; readonly action: () => void }>();

  nowMs = (): number => this.passedMs;

  after = (delayMs: number, action: () => void): (() => void) => {
    const timer = { atMs: this.passedMs + delayMs, action };
    this.timers.add(timer);
    if (delayMs <= 0) setImmediate(() => this.pass(0));
    return () => void this.timers.delete(timer);
  };

  pass(ms: number): void {
    this.passedMs += ms;
    for (const timer of this.timers) {
      if (timer.atMs <= this.passedMs && this.timers.delete(timer)) timer.action();
    }
  }
}

/** A coordinator's fleet, and a relay that is attached to it by a channel of this process. */
class Scene {
  readonly events: RunEvent[] = [];
  readonly above: Fleet;
  readonly failures: unknown[] = [];
  readonly answers: Answer[] = [];
  /** What the relay had told of its numerics class at each answer. */
  readonly classes: string[] = [];
  readonly crew: Crew;
  /** The fleet of each run that the relay was told of. */
  readonly below: Fleet[] = [];
  private closed = 0;

  constructor() {
    this.above = this.newFleet(WELCOME);
    this.crew = new Crew({
      open: (fleet) => {
        this.below.push(fleet);
        return Promise.resolve({
          close: () => {
            this.closed++;
            return Promise.resolve();
          },
        });
      },
      onEvent: () => undefined,
      onFailure: (error) => this.failures.push(error),
    });
  }

  newFleet(told: Welcome): Fleet {
    return new Fleet({ welcome: told, onEvent: (event) => this.events.push(event), waitTimeoutMs: 60_000 });
  }

  async attachRelay(fleet = this.above, clock?: Clock): Promise<RelayConversation> {
    const { coordinatorEnd, nodeEnd } = createLocalChannel('a relay');
    fleet.admit(coordinatorEnd, { local: false });
    const conversation = new RelayConversation({
      ...{ channel: nodeEnd, nodeSecret: secretOf('relay'), nodeName: 'relay', crew: this.crew },
      ...(clock && { clock }),
    });
    await settled();
    return conversation;
  }

  get entrancesClosed(): number {
    return this.closed;
  }

  async node(name: string, threads = 1, more: Partial<ReturnType<typeof hello>> = {}): Promise<ScriptedNode> {
    return attached(this.below.at(-1)!, { nodeName: name, nodeSecret: secretOf(name), threads, ...more });
  }

  /** Until the coordinator counts so many workers. */
  async workersAbove(count: number, fleet = this.above): Promise<void> {
    await until(() => fleet.workerCount === count);
  }

  /** A step of micro-batches of two samples. */
  step(itemCount: number, { step = 3, version = 1, fleet = this.above } = {}): Promise<void> {
    return fleet.run({
      kind: 'work',
      round: step,
      state: new Broadcast(stateOf(version)),
      itemCount,
      sampleCountOf: () => 2,
      message: (microBatch) => work({ step, microBatch }),
      accept: (answer, _index, { hello: { numericsClass } }) => {
        this.answers.push(keptOf(answer));
        this.classes.push(numericsClass);
        return { kind: 'accepted' };
      },
    });
  }

  /** An evaluation of chunks of one image. */
  evaluation({ wantsLogits = false, round = 5, itemCount = 1 } = {}): Promise<void> {
    const wanted = wantsLogits ? ({ wantsLogits } as const) : {};
    return this.above.run({
      ...{ kind: 'evaluate', round, itemCount, state: new Broadcast(stateOf(1)) },
      sampleCountOf: () => 1,
      message: (chunk) => evaluateMessage({ evaluation: round, chunk, ...wanted }),
      accept: (answer) => {
        this.answers.push(answer);
        return { kind: 'accepted' };
      },
    });
  }
}

function stateOf(version: number): Parameters {
  const vector = (length: number): Uint8Array => littleEndianBytes(new Float32Array(length).fill(version));
  return {
    ...{ type: 'parameters', version, wire: 'float32' },
    ...{ parameters: vector(layout.parameterCount), statistics: vector(layout.statisticCount) },
  };
}

/** The answer, whose memory is only lent. */
function keptOf(answer: Answer): Answer {
  return answer.type === 'evaluated' ? answer : { ...answer, gradientSum: answer.gradientSum.slice() };
}

/** The gradient of a micro-batch is its index plus one, everywhere. */
function gradientFor({ step, microBatch }: Work, value = microBatch + 1): Result {
  return result({
    ...{ step, microBatch, lossSum: microBatch },
    gradientSum: littleEndianBytes(new Float32Array(layout.parameterCount).fill(value)),
    statisticSum: littleEndianBytes(new Float32Array(layout.statisticCount).fill(value)),
  });
}

const workOf = (node: ScriptedNode): Work[] => node.items.filter((item) => item.type === 'work');
const answerAll = (node: ScriptedNode, from = 0): void =>
  workOf(node)
    .slice(from)
    .forEach((item) => node.send(gradientFor(item)));
const firstValueOf = (answer: Answer): number =>
  answer.type === 'evaluated' ? NaN : floatsFromLittleEndian(answer.gradientSum)[0]!;

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});

describe('a relay', () => {
  it('is a node with the workers of all its nodes, and of none at first', async () => {
    await scene.attachRelay();
    expect(scene.above.workerCount).toBe(0);
    await scene.node('one', 2);
    await scene.workersAbove(2);
    const two = await scene.node('two', 3);
    await scene.workersAbove(5);
    two.hangUp();
    await scene.workersAbove(2);
    expect(scene.above.memberCount).toBe(1);
  });

  it('tells its nodes what the coordinator told it', async () => {
    await scene.attachRelay();
    const node = await scene.node('one');
    expect(node.received).toEqual([WELCOME]);
  });

  it('answers siblings of different nodes with one sum, in the order of the tree', async () => {
    await scene.attachRelay();
    const nodes = [await scene.node('a', 2), await scene.node('b', 2)];
    await scene.workersAbove(4);
    const done = scene.step(4);
    await until(() => nodes.every((node) => workOf(node).length === 2));
    nodes.reverse().forEach((node) => answerAll(node));
    await done;
    expect(scene.answers).toHaveLength(1);
    const [answer] = scene.answers;
    expect(answer).toMatchObject({ type: 'sum', step: 3, microBatch: 0 });
    expect(firstValueOf(answer!)).toBe(1 + 2 + (3 + 4));
    if (answer?.type !== 'sum') throw new Error('no sum');
    expect(answer.leaves).toEqual([0, 1, 2, 3].map((lossSum) => ({ sampleCount: 2, lossSum, correct: 1 })));
  });

  it('passes sums of its nodes on, added to others', async () => {
    await scene.attachRelay();
    const [a, b] = [await scene.node('a', 2), await scene.node('b', 2)];
    await scene.workersAbove(4);
    const done = scene.step(4);
    await until(() => [a, b].every((node) => workOf(node).length === 2));
    for (const node of [a, b]) {
      const [left, right] = workOf(node).map((item) => gradientFor(item)) as [Result, Result];
      const leaves = [left, right].map(({ sampleCount, lossSum, correct }) => ({
        sampleCount,
        lossSum,
        correct,
      }));
      const value = firstValueOf(left) + firstValueOf(right);
      const { step, microBatch } = left;
      const { gradientSum, statisticSum } = gradientFor(workOf(node)[0]!, value);
      node.send({ type: 'sum', step, microBatch, leaves, gradientSum, statisticSum });
    }
    await done;
    expect(scene.answers.map(firstValueOf)).toEqual([10]);
  });

  it('sends weights on once a node and version, under numbers of its own', async () => {
    await scene.attachRelay();
    const node = await scene.node('a', 2);
    await scene.workersAbove(2);
    for (const version of [1, 2]) {
      const done = scene.step(2, { step: version, version });
      await until(() => workOf(node).length === 2 * version);
      answerAll(node, 2 * version - 2);
      await done;
    }
    const values = node.states.map(({ parameters }) => floatsFromLittleEndian(parameters)[0]);
    expect(values).toEqual([1, 2]);
  });

  it('does not take weights of a restarted coordinator for those that had the same number', async () => {
    const conversation = await scene.attachRelay();
    const node = await scene.node('a');
    await scene.workersAbove(1);
    const first = scene.step(1);
    await until(() => workOf(node).length === 1);
    answerAll(node);
    await first;
    scene.above.end('it was stopped', { runEnded: false });
    expect((await conversation.ended).kind).toBe('lost');
    expect(node.closings).toEqual([]);

    const restarted = scene.newFleet(WELCOME);
    await scene.attachRelay(restarted);
    await scene.workersAbove(1, restarted);
    const second = scene.step(1, { fleet: restarted });
    await until(() => workOf(node).length === 2);
    expect(node.states).toHaveLength(2);
    expect(node.states[1]!.version).not.toBe(node.states[0]!.version);
    // An answer to the item of before is not one to the new item, though its step and index are the same.
    node.send(gradientFor(workOf(node)[0]!, -1));
    node.send(gradientFor(workOf(node)[1]!));
    await second;
    expect(scene.answers.map(firstValueOf)).toEqual([1, 1]);
  });

  it('sends its nodes away for another run, and lets them into that', async () => {
    const conversation = await scene.attachRelay();
    const node = await scene.node('a');
    scene.above.end('over', { runEnded: false });
    await conversation.ended;
    const other = scene.newFleet({ ...WELCOME, runName: 'another' });
    await scene.attachRelay(other);
    await until(() => scene.below.length === 2);
    expect(node.the('bye')).toMatchObject({ runEnded: false });
    expect(scene.entrancesClosed).toBe(1);
    await scene.node('a');
    await scene.workersAbove(1, other);
  });

  it('gives the items of a node that left to another, and the coordinator notices nothing', async () => {
    await scene.attachRelay();
    const [a, b] = [await scene.node('a', 2), await scene.node('b', 2)];
    await scene.workersAbove(4);
    const done = scene.step(4);
    await until(() => [a, b].every((node) => workOf(node).length === 2));
    a.hangUp();
    await until(() => workOf(b).length === 4);
    answerAll(b);
    await done;
    const scores = scene.answers.flatMap((answer) => (answer.type === 'sum' ? answer.leaves : [answer]));
    expect(scores).toHaveLength(4);
    expect(scene.events.some(({ event }) => event === 'worker-refused')).toBe(false);
  });

  it('loses its items when its last node leaves, and gets new ones with the next node', async () => {
    await scene.attachRelay();
    const first = await scene.node('a', 2);
    await scene.workersAbove(2);
    const done = scene.step(2);
    await until(() => workOf(first).length === 2);
    first.hangUp();
    await scene.workersAbove(0);
    const second = await scene.node('b', 2);
    await until(() => workOf(second).length === 2);
    answerAll(second);
    await done;
    expect(scene.answers.map(firstValueOf)).toEqual([3]);
  });

  it('asks another of its nodes when a gradient is not finite, and refuses the one that is wrong twice more', async () => {
    await scene.attachRelay();
    const [bad, good] = [await scene.node('bad'), await scene.node('good')];
    await scene.workersAbove(2);
    const done = scene.step(1);
    await until(() => workOf(bad).length === 1);
    bad.send(gradientFor(workOf(bad)[0]!, Infinity));
    await until(() => workOf(good).length === 1);
    expect(scene.answers).toEqual([]);
    answerAll(good);
    await done;
    expect(scene.answers.map(firstValueOf)).toEqual([1]);
  });

  it('hands a gradient on that is not finite for two of its nodes', async () => {
    await scene.attachRelay();
    const nodes = [await scene.node('a'), await scene.node('b')];
    await scene.workersAbove(2);
    const done = scene.step(1);
    for (const node of nodes) {
      await until(() => workOf(node).length === 1);
      node.send(gradientFor(workOf(node)[0]!, NaN));
    }
    await done;
    expect(scene.answers.map(firstValueOf)).toEqual([NaN]);
  });

  it('passes evaluations on, logits and all', async () => {
    await scene.attachRelay();
    const [node, other] = [await scene.node('a'), await scene.node('b')];
    await scene.workersAbove(2);
    const done = scene.evaluation({ wantsLogits: true });
    await until(() => node.items.length === 1);
    expect(node.items[0]).toMatchObject({ type: 'evaluate', wantsLogits: true });
    const { evaluation, chunk } = node.items[0] as ReturnType<typeof evaluateMessage>;
    // Logits of another length are refused here: the coordinator would refuse the relay for them.
    node.send(evaluated({ evaluation, chunk, logits: Uint8Array.of(0, 0, 128, 63) }));
    await until(() => other.items.length === 1);
    expect(node.the('refused').reason).toContain('4 bytes of logits instead of');
    const logits = new Uint8Array(4 * classCount).fill(7);
    other.send(evaluated({ evaluation, chunk, logits }));
    await done;
    expect(scene.answers).toEqual([evaluated({ evaluation: 5, chunk: 0, logits })]);
  });

  const notFinite = littleEndianBytes(new Float32Array(classCount).fill(NaN));
  it.each<[string, Partial<Evaluated>]>([
    ['loss', { lossSum: Infinity }],
    ['logit', { logits: notFinite }],
  ])('asks another of its nodes when a %s of an evaluation is not finite', async (_what, change) => {
    await scene.attachRelay();
    const [bad, good] = [await scene.node('bad'), await scene.node('good')];
    await scene.workersAbove(2);
    const done = scene.evaluation({ wantsLogits: true });
    const logits = littleEndianBytes(new Float32Array(classCount));
    await until(() => bad.items.length === 1);
    const { evaluation, chunk } = bad.items[0] as ReturnType<typeof evaluateMessage>;
    bad.send(evaluated({ evaluation, chunk, logits, ...change }));
    await until(() => good.items.length + scene.answers.length > 0);
    expect(scene.answers).toEqual([]);
    good.send(evaluated({ evaluation, chunk, logits }));
    await done;
    expect(scene.answers).toEqual([evaluated({ evaluation: 5, chunk: 0, logits })]);
  });

  it('hands a loss on that is not finite for two of its nodes', async () => {
    await scene.attachRelay();
    const nodes = [await scene.node('a'), await scene.node('b')];
    await scene.workersAbove(2);
    const done = scene.evaluation();
    for (const node of nodes) {
      await until(() => node.items.length === 1);
      const { evaluation, chunk } = node.items[0] as ReturnType<typeof evaluateMessage>;
      node.send(evaluated({ evaluation, chunk, lossSum: NaN }));
    }
    await done;
    expect(scene.answers).toEqual([evaluated({ evaluation: 5, chunk: 0, lossSum: NaN })]);
  });

  it('refuses a node whose evaluations others contradict again and again', async () => {
    await scene.attachRelay();
    const [bad, good] = [await scene.node('bad'), await scene.node('good')];
    await scene.workersAbove(2);
    const answering = (node: ScriptedNode, lossSum: number) => (message: CoordinatorMessage) => {
      if (message.type !== 'evaluate') return;
      node.send(evaluated({ evaluation: message.evaluation, chunk: message.chunk, lossSum }));
    };
    bad.onMessage = answering(bad, NaN);
    good.onMessage = answering(good, 0.25);
    // How many items it gets in a round depends on how fast the other one is.
    const isRefused = (): boolean => bad.received.some(({ type }) => type === 'refused');
    for (let round = 1; round <= 20 && !isRefused(); round++) await scene.evaluation({ round, itemCount: 4 });
    expect(bad.the('refused').code).toBe('E_REFUSED');
    for (const answer of scene.answers) expect(answer).toMatchObject({ lossSum: 0.25 });
  });

  it('refuses a node that answers with other counts, as a coordinator does', async () => {
    await scene.attachRelay();
    const [bad, good] = [await scene.node('bad'), await scene.node('good')];
    await scene.workersAbove(2);
    const done = scene.step(1);
    await until(() => workOf(bad).length === 1);
    bad.send({ ...gradientFor(workOf(bad)[0]!), sampleCount: 3 });
    await until(() => workOf(good).length === 1);
    answerAll(good);
    await done;
    expect(bad.the('refused').reason).toContain('correct in a micro-batch of 2 samples');
  });

  it('refuses nodes of another numerics class than that of its first worker', async () => {
    await scene.attachRelay();
    await scene.node('a', 1, { numericsClass: 'simd/1' });
    const other = await scene.node('b', 1, { numericsClass: 'wasm/1' });
    expect(other.the('refused').reason).toContain(
      'its numerics class is wasm/1, and the workers of this relay have simd/1',
    );
    const relay = await scene.node('below', 0, { numericsClass: 'none' });
    relay.send(workers({ threads: 2, numericsClass: 'wasm/1' }));
    await settled();
    expect(relay.the('refused').reason).toContain('numerics class');
  });

  it('counts a node that drains: it still answers in its class', async () => {
    await scene.attachRelay();
    const leaving = await scene.node('leaving', 1, { numericsClass: 'simd/1' });
    await scene.workersAbove(1);
    const done = scene.step(1);
    await until(() => workOf(leaving).length === 1);
    leaving.send({ type: 'drain' });
    await settled();
    const other = await scene.node('other', 1, { numericsClass: 'wasm/1' });
    expect(other.received.map(({ type }) => type)).toEqual(['refused']);
    expect(other.the('refused').reason).toContain('the workers of this relay have simd/1');
    scene.above.abort(new Error('enough'));
    await done.catch(() => undefined);
  });

  it('tells of another class at once, after the answers of the class before', async () => {
    const clock = new StillClock();
    await scene.attachRelay(scene.above, clock);
    const first = await scene.node('first', 2, { numericsClass: 'simd/1' });
    await scene.workersAbove(2);
    const done = scene.step(2);
    await until(() => workOf(first).length === 2);
    clock.pass(100); // so long an answer takes, and a share of it may it wait
    first.send(gradientFor(workOf(first)[0]!)); // waits at the relay for its sibling
    await settled();
    expect(scene.answers).toHaveLength(0);
    first.hangUp();
    await settled();
    const second = await scene.node('second', 2, { numericsClass: 'wasm/1' });
    await until(() => workOf(second).length === 1);
    answerAll(second);
    await done;
    expect(scene.answers.map(firstValueOf)).toEqual([1, 2]);
    expect(scene.classes).toEqual(['simd/1', 'wasm/1']);
  });

  it('tells of its first workers at once, even if it told a moment ago that it had none', async () => {
    const clock = new StillClock();
    await scene.attachRelay(scene.above, clock);
    const first = await scene.node('first', 2, { numericsClass: 'simd/1' });
    await scene.workersAbove(2);
    first.hangUp();
    await settled();
    expect(scene.above.workerCount).toBe(2); // it may come back, and nobody is the worse for it
    clock.pass(1_000);
    await scene.workersAbove(0);
    await scene.node('second', 2, { numericsClass: 'simd/1' });
    await settled();
    expect(scene.above.workforce()).toMatchObject([{ threads: 2, numericsClass: 'simd/1' }]);
    await scene.node('third', 3, { numericsClass: 'simd/1' });
    await settled();
    expect(scene.above.workerCount).toBe(2);
    clock.pass(1_000);
    await scene.workersAbove(5);
  });

  it('lets a relay behind it change its class, if that has all of its workers', async () => {
    await scene.attachRelay();
    const below = await scene.node('below', 2, { numericsClass: 'simd/1' });
    below.send(workers({ threads: 2, numericsClass: 'wasm/1' }));
    await until(() => scene.above.workforce()[0]?.numericsClass === 'wasm/1');
    expect(below.closings).toEqual([]);
  });

  it('refuses a relay that it is attached behind, at once or as soon as that is so', async () => {
    await scene.attachRelay();
    await scene.node('a');
    await scene.workersAbove(1);
    const { relays } = scene.above.workforce()[0]!;
    expect(relays).toHaveLength(1);
    const circle = await scene.node('circle', 1, { relays: ['0123456789abcdef', ...relays!] });
    expect(circle.the('refused').reason).toContain('this relay is attached behind it');
    const other = await scene.node('other', 1, { relays: ['0123456789abcdef'] });
    await until(() => scene.above.workforce()[0]!.relays!.length === 2);
    other.send(workers({ relays: ['0123456789abcdef', ...relays!] }));
    await settled();
    expect(other.the('refused').reason).toContain('this relay is attached behind it');
  });

  it('drops what the coordinator no longer wants', async () => {
    await scene.attachRelay();
    const node = await scene.node('a');
    await scene.workersAbove(1);
    const other = await attached(scene.above, { nodeName: 'other', nodeSecret: secretOf('other') });
    const done = scene.step(3);
    await until(() => workOf(node).length + workOf(other).length === 3);
    for (const item of workOf(other)) other.send(gradientFor(item));
    answerAll(node);
    await done;
    expect(scene.answers).toHaveLength(3);
  });

  it('leaves when asked to: answers what it holds, and is let go', async () => {
    const conversation = await scene.attachRelay();
    const node = await scene.node('a');
    await scene.workersAbove(1);
    const other = await attached(scene.above, { nodeName: 'other', nodeSecret: secretOf('other') });
    const done = scene.step(4);
    await until(() => workOf(node).length > 0 && workOf(other).length > 0);
    conversation.drain();
    other.onMessage = (message) => {
      if (message.type === 'work') other.send(gradientFor(message));
    };
    for (const item of workOf(other)) other.send(gradientFor(item));
    answerAll(node);
    node.onMessage = (message) => {
      if (message.type === 'work') node.send(gradientFor(message));
    };
    await done;
    expect((await conversation.ended).kind).toBe('dismissed');
    await scene.crew.leave('the relay has stopped', { runEnded: false });
    expect(node.the('bye')).toEqual({ type: 'bye', runEnded: false, reason: 'the relay has stopped' });
    expect(scene.failures).toEqual([]);
  });
});
