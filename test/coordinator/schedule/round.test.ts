import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { itemKey, roundKey } from '../../../src/coordinator/schedule/itemKey.js';
import { Round } from '../../../src/coordinator/schedule/round.js';
import type { Assignee } from '../../../src/coordinator/schedule/assignee.js';
import { Pace } from '../../../src/coordinator/schedule/pace.js';
import { Workload } from '../../../src/coordinator/schedule/workload.js';

/** A node that holds what it is given until the test lets it answer. */
class FakeNode implements Assignee {
  accepting = true;
  readonly held: number[] = [];
  readonly given: number[] = [];
  readonly cancelled: number[] = [];
  readonly keptApart: number[] = [];
  readonly workload: Workload;
  readonly pace = new Pace();

  constructor(
    readonly name: string,
    readonly threads: number,
  ) {
    this.workload = new Workload(threads);
  }

  /** From earlier rounds it is known how long it takes for an item. */
  knownToTake(durationMs: number): this {
    this.pace.add(durationMs, 1, performance.now());
    return this;
  }

  give(index: number): void {
    expect(this.accepting, `${this.name} is given ${index} while it takes nothing`).toBe(true);
    expect(this.held, `${this.name} is given what it holds`).not.toContain(index);
    this.held.push(index);
    this.given.push(index);
    expect(this.held.length).toBeLessThanOrEqual(2 * this.threads);
  }

  cancel(index: number): void {
    this.cancelled.push(index);
    this.drop(index);
  }

  keepApart(index: number): void {
    expect(this.held).toContain(index);
    this.keptApart.push(index);
  }

  drop(index: number): void {
    const position = this.held.indexOf(index);
    if (position >= 0) this.held.splice(position, 1);
  }
}

/** A round with its nodes, and what the fleet would do around it. */
class Scene {
  readonly nodes: FakeNode[] = [];
  readonly accepted: number[] = [];
  outcome: 'open' | 'done' | { readonly error: unknown } = 'open';
  readonly round: Round<FakeNode>;
  /** Whether the coordinator keeps up with its nodes. */
  isReadUp = true;

  /** @param typicalMs what every node is known to take for an item; undefined: not known */
  constructor(
    itemCount: number | 'open',
    private readonly typicalMs?: number,
  ) {
    this.round = new Round<FakeNode>({
      key: roundKey('work', 0),
      itemCount,
      sampleCountOf: () => 1,
      assignees: () => this.nodes,
      paceOf: ({ pace }) => pace,
      areAnswersRead: () => this.isReadUp,
    });
    this.round.done.then(
      () => (this.outcome = 'done'),
      (error: unknown) => (this.outcome = { error }),
    );
  }

  join(name: string, threads = 1, durationMs = this.typicalMs): FakeNode {
    const node = new FakeNode(name, threads);
    if (durationMs !== undefined) node.knownToTake(durationMs);
    this.nodes.push(node);
    this.round.fill();
    return node;
  }

  answer(node: FakeNode, index: number): void {
    node.drop(index);
    if (this.round.wants(index)) this.accepted.push(index);
    this.round.complete(node, index);
  }

  returnItem(node: FakeNode, index: number): void {
    node.drop(index);
    this.round.returnItem(node, index);
  }

  leave(node: FakeNode): void {
    node.accepting = false;
    this.nodes.splice(this.nodes.indexOf(node), 1);
    this.round.leave(node);
  }

  /** All nodes answer all they hold, oldest first, until nothing moves. */
  finishWith(nodes: readonly FakeNode[]): void {
    for (let busy = nodes.find(({ held }) => held.length > 0); busy;) {
      this.answer(busy, busy.held[0]!);
      busy = nodes.find(({ held }) => held.length > 0);
    }
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('handing out', () => {
  it('gives each node one item a worker, and one more a worker to have at hand', () => {
    const scene = new Scene(20);
    const [one, three] = [scene.join('one', 1), scene.join('three', 3)];
    expect(one.held).toHaveLength(2);
    expect(three.held).toHaveLength(6);
    scene.answer(one, one.held[0]!);
    expect(one.held).toHaveLength(2);
  });

  it('gives every item once while nothing is late and nobody idle', () => {
    const scene = new Scene(8);
    const nodes = [scene.join('a', 2), scene.join('b', 2)];
    expect(nodes.flatMap(({ given }) => given).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('spreads few items over all nodes before it prefetches', () => {
    const scene = new Scene(3);
    scene.nodes.push(new FakeNode('a', 2), new FakeNode('b', 1));
    scene.round.fill();
    expect(scene.nodes.map(({ held }) => held.length)).toEqual([2, 1]);
  });

  it('gives nothing to a node that drains, and takes nothing from it', () => {
    const scene = new Scene(10);
    const draining = scene.join('draining');
    draining.accepting = false;
    const other = scene.join('other', 4);
    scene.answer(draining, 0);
    expect(draining.given).toEqual([0, 1]);
    expect(scene.round.holds(draining)).toBe(true);
    scene.answer(draining, 1);
    expect(scene.round.holds(draining)).toBe(false);
    expect(other.given).toHaveLength(8);
  });

  it('resolves when every item has been answered, and not before', async () => {
    const scene = new Scene(3);
    const node = scene.join('node', 4);
    scene.answer(node, 2);
    scene.answer(node, 0);
    await settled();
    expect(scene.outcome).toBe('open');
    scene.answer(node, 1);
    await settled();
    expect(scene.outcome).toBe('done');
  });

  it('waits when nobody is there, and begins with the first who comes', () => {
    const scene = new Scene(2);
    scene.round.fill();
    expect(scene.join('first').given).toEqual([0, 1]);
  });
});

describe('a node that leaves', () => {
  it('has its items handed out again at once, before anything else, in their order', () => {
    const scene = new Scene(12);
    const leaving = scene.join('leaving', 2); // 0 to 3
    const staying = scene.join('staying', 1); // 4 and 5
    scene.leave(leaving);
    expect(staying.held).toEqual([4, 5]);
    scene.answer(staying, 4);
    scene.answer(staying, 5);
    expect(staying.held).toEqual([0, 1]);
    expect(scene.join('new', 4).given).toEqual([2, 3, 6, 7, 8, 9, 10, 11]);
  });

  it('may still be heard of: its answers count as long as they are wanted, and do no harm after', async () => {
    const scene = new Scene(2);
    const gone = scene.join('gone');
    scene.leave(gone);
    scene.answer(gone, 0);
    const staying = scene.join('staying');
    scene.answer(gone, 0);
    scene.finishWith([staying]);
    await settled();
    expect(scene.accepted.sort()).toEqual([0, 1]);
    expect(scene.outcome).toBe('done');
  });
});

describe('an idle worker', () => {
  it('takes over what another has not begun; the other is told at once', () => {
    const scene = new Scene(2);
    const slow = scene.join('slow'); // computes 0, has 1 at hand
    const quick = scene.join('quick');
    expect(quick.given).toEqual([1]);
    expect(slow.cancelled).toEqual([1]);
    scene.answer(quick, 1);
    expect(scene.accepted).toEqual([1]);
  });

  it('that takes over too late is called off as little as the other: whoever answers first is heard', async () => {
    const scene = new Scene(2);
    const slow = scene.join('slow');
    const quick = scene.join('quick');
    scene.answer(slow, 0);
    scene.answer(slow, 1); // it had begun when it was told to forget it
    scene.answer(quick, 1);
    await settled();
    expect(scene.accepted).toEqual([0, 1]);
    expect(quick.cancelled).toEqual([]);
    expect(scene.outcome).toBe('done');
  });

  it('does not take over what would be done before it had it done itself', () => {
    const scene = new Scene(2);
    const quick = scene.join('quick', 1, 10);
    const slow = scene.join('slow', 1, 100);
    expect(quick.held).toEqual([0, 1]);
    expect(slow.given).toEqual([]);
  });

  it('repeats at once what a slow node is computing, and is not told to cancel what it has begun', async () => {
    const scene = new Scene(2);
    const slow = scene.join('slow', 1, 1000);
    vi.advanceTimersByTime(10);
    const quick = scene.join('quick', 1, 100);
    expect(quick.given).toEqual([1]);
    vi.advanceTimersByTime(100);
    scene.answer(quick, 1);
    expect(quick.given).toEqual([1, 0]);
    scene.answer(quick, 0);
    await settled();
    expect(scene.outcome).toBe('done');
    expect(slow.cancelled).toEqual([1]);
  });

  it('does not repeat what has been begun, as long as it is not late', () => {
    const scene = new Scene(1, 100);
    scene.join('computing');
    const idle = scene.join('idle');
    vi.advanceTimersByTime(199);
    expect(idle.given).toEqual([]);
  });

  it('repeats an item that takes more than twice the usual time, without being asked', async () => {
    const scene = new Scene(1, 100);
    const stalled = scene.join('stalled');
    const idle = scene.join('idle');
    vi.advanceTimersByTime(202);
    expect(idle.given).toEqual([0]);
    scene.answer(idle, 0);
    scene.answer(stalled, 0); // the late answer is ignored
    await settled();
    expect(scene.accepted).toEqual([0]);
    expect(scene.outcome).toBe('done');
  });

  it('repeats nothing while answers may wait to be read, and at once when there are none', async () => {
    const scene = new Scene(2, 100);
    const [quick, stalled] = [scene.join('quick'), scene.join('stalled')];
    scene.isReadUp = false;
    await vi.advanceTimersByTimeAsync(100);
    scene.answer(quick, 0);
    await vi.advanceTimersByTimeAsync(5_000); // fifty times the usual
    expect([quick.held, stalled.held]).toEqual([[], [1]]);
    scene.isReadUp = true;
    await vi.advanceTimersByTimeAsync(4);
    expect(quick.held).toEqual([1]);
    scene.answer(quick, 1);
    await settled();
    expect(scene.outcome).toBe('done');
  });

  it('takes over what has not been begun, even while answers may wait to be read', () => {
    const scene = new Scene(3, 100);
    const [quick, slow] = [scene.join('quick'), scene.join('slow')];
    scene.isReadUp = false;
    const waiting = slow.held.length === 2 ? slow : quick;
    const other = waiting === slow ? quick : slow;
    const [, taken] = waiting.held;
    scene.answer(other, other.held[0]!);
    expect(other.held).toEqual([taken]);
    expect(waiting.cancelled).toEqual([taken]);
  });

  it('does not repeat very short items at once, nor anything before a usual time is known', () => {
    const [short, unknown] = [new Scene(1, 1), new Scene(1)];
    for (const scene of [short, unknown]) scene.join('computing');
    const idle = [short.join('idle'), unknown.join('idle')];
    vi.advanceTimersByTime(19);
    expect(idle.map(({ given }) => given)).toEqual([[], []]);
    vi.advanceTimersByTime(3);
    expect(idle[0]!.given).toEqual([0]);
    vi.advanceTimersByTime(29_000);
    expect(idle[1]!.given).toEqual([]);
  });

  it('repeats after half a minute what stalls before any usual time is known', () => {
    const scene = new Scene(2);
    const stalled = scene.join('stalled', 2);
    const idle = scene.join('idle', 2);
    expect(stalled.held).toEqual([0, 1]);
    vi.advanceTimersByTime(31_000);
    scene.finishWith([idle]);
    expect([...scene.accepted].sort()).toEqual([0, 1]);
  });

  it('takes over what two have already only when both are late', () => {
    const scene = new Scene(1, 100);
    scene.join('stalled');
    scene.join('also stalled');
    vi.advanceTimersByTime(250);
    const third = scene.join('third');
    vi.advanceTimersByTime(100);
    expect(third.given).toEqual([]); // the second has had it for 150 ms
    vi.advanceTimersByTime(100);
    expect(third.given).toEqual([0]);
  });

  it('looks again for what is late, though the one that idled first has gone meanwhile', () => {
    const scene = new Scene(3, 100);
    const busy = scene.join('busy');
    const stalled = scene.join('stalled');
    const slow = scene.join('slow', 1, 1000);
    expect([busy.held, stalled.held, slow.held]).toEqual([[0, 1], [2], []]);
    slow.accepting = false;
    vi.advanceTimersByTime(95);
    scene.answer(busy, 0); // now nobody idles
    vi.advanceTimersByTime(95);
    scene.answer(busy, 1);
    expect(busy.held).toEqual([]);
    vi.advanceTimersByTime(100);
    expect(busy.held).toEqual([2]);
  });

  it('is one, too, that seems busy with an item of an earlier round which it never got to', async () => {
    const scene = new Scene(1, 10);
    const forgetful = new FakeNode('forgetful', 1).knownToTake(10);
    // Called off when it already waited there: new weights emptied the node's queue, and nobody will answer for it.
    const earlier = roundKey('work', -1);
    const old = { round: earlier, key: itemKey(earlier, 3), sampleCount: 1, pace: forgetful.pace };
    forgetful.workload.add(old, performance.now());
    scene.nodes.push(forgetful);
    const stalled = scene.join('stalled');
    expect(stalled.held).toEqual([0]);
    await vi.advanceTimersByTimeAsync(5_000);
    scene.finishWith([forgetful]);
    await vi.advanceTimersByTimeAsync(0);
    expect(scene.outcome).toBe('done');
  });

  it('waits no longer once the round is over: no timer is left', () => {
    const scene = new Scene(2, 100);
    const node = scene.join('node');
    scene.join('idle');
    scene.finishWith(scene.nodes);
    expect(node.held).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
    const aborted = new Scene(2, 100);
    aborted.join('node');
    aborted.join('idle', 4);
    aborted.round.abort(new Error('enough'));
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('an item that comes back unanswered', () => {
  it('goes to another, if there is another', () => {
    const scene = new Scene(6);
    const faulty = scene.join('faulty');
    const sound = scene.join('sound');
    const failed = faulty.held[0]!;
    scene.returnItem(faulty, failed);
    expect(faulty.held).not.toContain(failed);
    scene.finishWith([sound]);
    expect(sound.given).toContain(failed);
    expect(faulty.given.filter((index) => index === failed)).toHaveLength(1);
  });

  it('goes to the same again, if there is nobody else, or as soon as there is nobody else', () => {
    const alone = new Scene(1);
    const only = alone.join('only');
    alone.returnItem(only, 0);
    expect(only.held).toEqual([0]);

    const scene = new Scene(8);
    const first = scene.join('first');
    const second = scene.join('second');
    const failed = first.held[0]!;
    scene.returnItem(first, failed);
    scene.leave(second);
    scene.finishWith([first]);
    expect(scene.accepted.sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('goes to the same again when the other does not answer for half a minute', () => {
    const scene = new Scene(1, 10);
    const once = scene.join('failed once');
    const stalled = scene.join('stalled');
    scene.returnItem(once, 0);
    expect(stalled.held).toEqual([0]);
    vi.advanceTimersByTime(29_000);
    expect(once.held).toEqual([]);
    vi.advanceTimersByTime(2_000);
    scene.finishWith([once]);
    expect(scene.accepted).toEqual([0]);
  });

  it('does not hold up the items behind it', () => {
    const scene = new Scene(6);
    const faulty = scene.join('faulty');
    scene.join('busy');
    scene.returnItem(faulty, faulty.held[0]!);
    expect(faulty.held).toHaveLength(2);
  });

  it('is not handed out again when another copy of it is on the way', () => {
    const scene = new Scene(1, 100);
    const first = scene.join('first');
    const second = scene.join('second');
    vi.advanceTimersByTime(250);
    expect(second.held).toEqual([0]);
    scene.returnItem(first, 0);
    expect(first.given).toEqual([0]);
    scene.answer(second, 0);
    expect(scene.accepted).toEqual([0]);
  });
});

describe('the durations', () => {
  it('are those of computing: from the beginning, not from the handing out', () => {
    const scene = new Scene(2);
    const node = scene.join('node');
    vi.advanceTimersByTime(30);
    scene.answer(node, 0);
    expect(node.pace.msPerSample).toBe(30);
    vi.advanceTimersByTime(50);
    scene.answer(node, 1);
    expect(node.pace.msPerSample).toBe(50); // of two the greater
  });
});

describe('an aborted round', () => {
  it('rejects with the reason, wants nothing more, and hands nothing out', async () => {
    const scene = new Scene(5);
    const node = scene.join('node');
    const reason = new Error('stop');
    scene.round.abort(reason);
    scene.round.abort(new Error('another'));
    scene.answer(node, node.held[0]!);
    scene.join('late');
    await settled();
    expect(scene.outcome).toEqual({ error: reason });
    expect(scene.accepted).toEqual([]);
    expect(node.given).toHaveLength(2);
    expect(scene.round.wants(4)).toBe(false);
  });

  it('stays resolved if it was done before', async () => {
    const scene = new Scene(1);
    scene.answer(scene.join('node'), 0);
    scene.round.abort(new Error('late'));
    await settled();
    expect(scene.outcome).toBe('done');
  });
});

describe('whatever happens', () => {
  type Happening =
    | { readonly kind: 'join'; readonly threads: number }
    | {
        readonly kind: 'answer' | 'fail' | 'repeat' | 'fail stray' | 'leave' | 'drain';
        readonly who: number;
        readonly which: number;
      }
    | { readonly kind: 'pass'; readonly ms: number };

  const happening: fc.Arbitrary<Happening> = fc.oneof(
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('join' as const), threads: fc.integer({ min: 1, max: 4 }) }),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constantFrom('answer', 'answer', 'answer', 'fail', 'fail stray', 'repeat', 'leave', 'drain'),
        who: fc.nat(20),
        which: fc.nat(20),
      }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(300) }) },
  );

  function happen(scene: Scene, event: Happening): void {
    if (event.kind === 'join') return void scene.join(`joined ${scene.nodes.length}`, event.threads);
    if (event.kind === 'pass') return void vi.advanceTimersByTime(event.ms);
    const node = scene.nodes[event.who % Math.max(1, scene.nodes.length)];
    if (!node) return;
    const index = node.held[event.which % Math.max(1, node.held.length)];
    switch (event.kind) {
      case 'leave':
        return scene.leave(node);
      case 'drain':
        node.accepting = false;
        return;
      case 'answer':
        return index === undefined ? undefined : scene.answer(node, index);
      case 'fail':
        return index === undefined ? undefined : scene.returnItem(node, index);
      case 'fail stray': // an item of the round, whether it holds it or not
        return scene.returnItem(node, event.which);
      case 'repeat': {
        // Something that it was given once: answered already, cancelled, or still held.
        const earlier = node.given[event.which % Math.max(1, node.given.length)];
        return earlier === undefined ? undefined : scene.answer(node, earlier);
      }
    }
  }

  it('every item is answered exactly once, as soon as somebody stays', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 25 }),
        fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined }),
        fc.array(happening, { maxLength: 80 }),
        async (itemCount, typicalMs, events) => {
          const scene = new Scene(itemCount, typicalMs);
          scene.round.fill();
          for (const event of events) happen(scene, event);
          const staying = scene.join('staying', 2);
          for (const node of scene.nodes.filter((each) => each !== staying)) scene.leave(node);
          scene.finishWith([staying]);
          await settled();
          expect(scene.outcome).toBe('done');
          expect([...scene.accepted].sort((a, b) => a - b)).toEqual([...new Array(itemCount).keys()]);
          expect(vi.getTimerCount()).toBe(0);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('every item is answered exactly once though one node stalls for ever', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 25 }),
        fc.integer({ min: 1, max: 4 }),
        async (itemCount, threads) => {
          const scene = new Scene(itemCount, 10);
          scene.join('stalled', threads);
          const staying = scene.join('staying', 1);
          for (let turn = 0; turn < 2 * itemCount && scene.outcome === 'open'; turn++) {
            scene.finishWith([staying]);
            vi.advanceTimersByTime(100);
            await settled();
          }
          expect(scene.outcome).toBe('done');
          expect([...scene.accepted].sort((a, b) => a - b)).toEqual([...new Array(itemCount).keys()]);
        },
      ),
      { numRuns: 100 },
    );
  });
});

it('a round ends with the error if an item cannot be handed out later on, when no caller would catch it', async () => {
  const scene = new Scene(1, 100);
  scene.join('stalled');
  const idle = scene.join('idle');
  const error = new Error('the samples cannot be read');
  idle.give = () => {
    throw error;
  };
  vi.advanceTimersByTime(202); // the item is late by now, and given to the idle node
  await settled();
  expect(scene.outcome).toEqual({ error });
  expect(vi.getTimerCount()).toBe(0);
});

describe('an answer for several items', () => {
  it('completes them together: none is given to an idle node on account of another', async () => {
    const scene = new Scene(2);
    const slow = scene.join('slow', 2, 1000);
    expect(slow.held).toEqual([0, 1]);
    const quick = new FakeNode('quick', 2).knownToTake(1);
    scene.nodes.push(quick); // has room, and would finish each item well before
    for (const index of [0, 1]) slow.drop(index);
    scene.round.complete(slow, 0, 1);
    await settled();
    expect(quick.given).toEqual([]);
    expect(scene.outcome).toBe('done');
  });
});

describe('an open round', () => {
  it('hands out each item when it is added, again if it is added again, and never ends by itself', async () => {
    const scene = new Scene('open');
    const node = scene.join('node', 2);
    expect(scene.round.wants(5)).toBe(false);
    for (const index of [5, 9, 5]) scene.round.add(index);
    expect(node.held).toEqual([5, 9]);
    scene.answer(node, 5);
    scene.answer(node, 9);
    await settled();
    expect(scene.outcome).toBe('open');
    expect(scene.round.wants(5)).toBe(false);
    scene.round.add(5);
    expect(node.given).toEqual([5, 9, 5]);
    scene.answer(node, 5);
    expect(scene.accepted).toEqual([5, 9, 5]);
    scene.round.abort(new Error('over'));
    scene.round.add(11);
    expect(node.given).toHaveLength(3);
  });

  it('takes back an item that nobody has begun, from the queue and from a node, and no other', () => {
    const scene = new Scene('open');
    const node = scene.join('node');
    for (const index of [1, 2, 3]) scene.round.add(index); // 1 is begun, 2 waits at the node, 3 for room
    expect([3, 2, 1, 7].map((index) => scene.round.withdraw(index))).toEqual([true, true, false, false]);
    expect(node.cancelled).toEqual([2]);
    expect(scene.round.wants(2)).toBe(false);
    scene.answer(node, 1);
    expect(scene.accepted).toEqual([1]);
    expect(node.held).toEqual([]);
  });

  it('tells the node that holds an item, or gets it later, to answer it alone', () => {
    const scene = new Scene('open');
    scene.round.add(4);
    scene.round.keepApart(4);
    scene.round.keepApart(8);
    const node = scene.join('node', 2);
    expect(node.keptApart).toEqual([4]);
    scene.round.add(6);
    scene.round.keepApart(6);
    expect(node.keptApart).toEqual([4, 6]);
  });
});

describe('the workers of a node', () => {
  const item = (key: number): Parameters<Workload['add']>[0] => ({
    ...{
      round: roundKey('work', 0),
      key: itemKey(roundKey('work', 0), key),
      sampleCount: 1,
      pace: new Pace(),
    },
  });
  const begunOf = (workload: Workload): boolean[] =>
    [...workload.items()].map(({ beganAtMs }) => beganAtMs !== undefined);

  it('may become more: items that waited are begun', () => {
    const workload = new Workload(1);
    for (const key of [0, 1, 2]) workload.add(item(key), 0);
    workload.resize(2, 5);
    expect(begunOf(workload)).toEqual([true, true, false]);
    expect(workload.idleWorkers).toBe(0);
  });

  it('compute an item once though it is given again before it is answered', () => {
    const workload = new Workload(2);
    workload.add(item(0), 0);
    workload.add(item(0), 5);
    expect([workload.itemCount, workload.idleWorkers]).toEqual([1, 1]);
    workload.add(item(1), 6);
    workload.add(item(2), 6);
    workload.add(item(0), 7); // behind the others now
    expect([...workload.items()].map(({ key }) => key)).toEqual([1, 2, 0].map((key) => item(key).key));
    expect(begunOf(workload)).toEqual([true, true, false]);
    for (const key of [0, 1, 2]) workload.finish(item(key).key, 8);
    expect(workload.idleWorkers).toBe(2);
  });

  it('may become fewer: no more items are begun than there are workers', () => {
    const workload = new Workload(3);
    for (const key of [0, 1, 2, 3, 4]) workload.add(item(key), 0);
    workload.resize(1, 5);
    expect(workload.idleWorkers).toBe(0);
    for (const key of [0, 1]) workload.finish(item(key).key, 6);
    expect(begunOf(workload)).toEqual([true, false, false]);
    workload.finish(item(2).key, 7);
    expect(begunOf(workload)).toEqual([true, false]);
  });

  it('may all leave: what they had is forgotten', () => {
    const workload = new Workload(2);
    for (const key of [0, 1, 2]) workload.add(item(key), 0);
    workload.resize(0, 5);
    expect([workload.itemCount, workload.idleWorkers]).toEqual([0, 0]);
    workload.resize(2, 6);
    expect(workload.idleWorkers).toBe(2);
  });
});
