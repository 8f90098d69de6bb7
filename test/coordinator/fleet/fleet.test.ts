import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Fleet } from '../../../src/coordinator/fleet/fleet.js';
import type { RoundRequest, Verdict } from '../../../src/coordinator/fleet/roundRequest.js';
import type { RunEvent } from '../../../src/coordinator/index.js';
import {
  Broadcast,
  decodeCoordinatorMessage,
  encodeMessage,
  PROTOCOL_VERSION,
} from '../../../src/protocol/index.js';
import type { Hello, Refused, Work } from '../../../src/protocol/index.js';
import { rejectionOf } from '../../support/errors.js';
import {
  evaluated,
  failed,
  hello,
  parameters,
  result,
  secretOf,
  welcome,
  work,
  workers,
} from '../../support/messages.js';
import { answerTo, attached, ScriptedNode } from '../../support/scriptedNode.js';
import { settled } from '../../support/waiting.js';

const WAIT_TIMEOUT_MS = 60_000;
const STEP = 3;

let events: RunEvent[];
let fleet: Fleet;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  events = [];
  fleet = new Fleet({
    welcome: welcome(),
    onEvent: (event) => events.push(event),
    waitTimeoutMs: WAIT_TIMEOUT_MS,
    noWorkersRemedy: 'attach one',
  });
});
afterEach(() => {
  vi.useRealTimers();
});

const eventsOf = <Kind extends RunEvent['event']>(kind: Kind): Extract<RunEvent, { event: Kind }>[] =>
  events.filter((event): event is Extract<RunEvent, { event: Kind }> => event.event === kind);

interface Running {
  readonly accepted: number[];
  readonly outcome: () => unknown;
  readonly promise: Promise<void>;
}

/** Starts a round of work; its outcome is `open`, `done` or the error. */
function run(
  itemCount: number,
  {
    change = {},
    judge,
    signal,
  }: { change?: Partial<RoundRequest>; judge?: (index: number) => Verdict; signal?: AbortSignal } = {},
): Running {
  const accepted: number[] = [];
  let outcome: unknown = 'open';
  const promise = fleet.run(
    {
      kind: 'work',
      round: STEP,
      state: new Broadcast(parameters()),
      itemCount,
      sampleCountOf: () => 2,
      message: (microBatch) => work({ step: STEP, microBatch }),
      accept: (_answer, index) => {
        const verdict = judge?.(index) ?? { kind: 'accepted' };
        if (verdict.kind === 'accepted') accepted.push(index);
        return verdict;
      },
      ...change,
    },
    signal,
  );
  promise.then(
    () => (outcome = 'done'),
    (error: unknown) => (outcome = error),
  );
  return { accepted, outcome: () => outcome, promise };
}

/** From now on the node answers whatever it gets. */
function answering(node: ScriptedNode): ScriptedNode {
  for (const item of node.items) node.send(answerTo(item));
  node.onMessage = (message) => {
    if (message.type === 'work' || message.type === 'evaluate') node.send(answerTo(message));
  };
  return node;
}

describe('the handshake', () => {
  it('answers a hello with the welcome, and tells the run who came', async () => {
    const node = await attached(fleet, { nodeName: 'alpha', threads: 3 });
    expect(node.received).toEqual([welcome()]);
    expect(fleet.workerCount).toBe(3);
    expect(fleet.memberCount).toBe(1);
    expect(eventsOf('worker-joined')).toEqual([
      {
        event: 'worker-joined',
        node: 'alpha',
        engine: 'wasm',
        device: 'a processor, 2 threads',
        numericsClass: 'test-class',
        threads: 3,
        workersNow: 3,
      },
    ]);
  });

  it('knows by its secret whether a remote node is attached', async () => {
    const node = await attached(fleet, { nodeName: 'remote' });
    await attached(fleet, { nodeName: 'local' }, { local: true });
    const known = (): boolean[] =>
      ['remote', 'local', 'nobody'].map((name) => fleet.isAttached(secretOf(name)));
    expect(known()).toEqual([true, false, false]);
    node.hangUp();
    await settled();
    expect(known()).toEqual([false, false, false]);
  });

  it('refuses another protocol version by name, and closes', async () => {
    const node = await attached(fleet, { protocolVersion: PROTOCOL_VERSION + 1 });
    const { code, reason } = node.the('refused');
    expect(code).toBe('E_PROTOCOL');
    expect(reason).toContain(String(PROTOCOL_VERSION + 1));
    expect(reason).toMatch(/same Lockstep version/);
    expect(node.closings).toHaveLength(1);
    expect(fleet.memberCount).toBe(0);
    expect(events).toEqual([{ event: 'connection-refused', address: 'a test', reason, count: 1 }]);
  });

  it('refuses any message before hello, and hears nothing of what follows it', async () => {
    for (const first of [result(), evaluated(), failed(), { type: 'drain' } as const]) {
      const node = new ScriptedNode(fleet);
      node.send(first, hello());
      await settled();
      expect(node.received.map(({ type }) => type)).toEqual(['refused']);
      expect(node.the('refused').code).toBe('E_PROTOCOL');
      expect(node.closings).toHaveLength(1);
    }
    expect(fleet.memberCount).toBe(0);
    expect(eventsOf('connection-refused').map(({ reason }) => reason)).toEqual(
      ['result', 'evaluated', 'failed', 'drain'].map((type) => `${type} came before hello`),
    );
    expect(events).toHaveLength(4);
  });

  it('cuts a node off for a second hello; another takes over its items', async () => {
    const node = await attached(fleet, { nodeName: 'twice' });
    const round = run(2);
    node.send(hello());
    await settled();
    expect(node.the('refused').reason).toMatch(/second hello/);
    expect(fleet.memberCount).toBe(0);
    answering(await attached(fleet));
    await settled();
    expect(round.outcome()).toBe('done');
  });

  it('refuses a node of another class than the run, if it asks for that, and tells the class', async () => {
    const asking = { numericsClass: 'class b', onlyClassOfRun: true } as const;
    const first = await attached(fleet, { ...asking, nodeName: 'first' });
    const sameClass = await attached(fleet, { ...asking, nodeName: 'same' });
    expect([first, sameClass].map(({ received }) => received[0]!.type)).toEqual(['welcome', 'welcome']);
    const other = await attached(fleet, { ...asking, numericsClass: 'class a', nodeName: 'other' });
    expect(other.received.map(({ type }) => type)).toEqual(['refused']);
    expect(other.the('refused')).toMatchObject({ code: 'E_REFUSED', numericsClasses: ['class b'] });
    expect(other.the('refused').reason).toMatch(/class is class a, the run's is class b/);
    const notAsking = await attached(fleet, { numericsClass: 'class a', nodeName: 'not asking' });
    expect(notAsking.received[0]!.type).toBe('welcome');
  });

  it('keeps to the classes of results whose nodes have left, and of a run that is resumed', async () => {
    const node = answering(await attached(fleet, { numericsClass: 'class b', nodeName: 'gone' }));
    await run(1).promise;
    node.hangUp();
    const late = await attached(fleet, { numericsClass: 'class a', onlyClassOfRun: true });
    expect(late.the('refused').numericsClasses).toEqual(['class b']);

    const numericsClasses = ['class c'];
    const told = { welcome: welcome(), onEvent: () => undefined, waitTimeoutMs: WAIT_TIMEOUT_MS };
    const resumed = await attached(new Fleet({ ...told, numericsClasses }), {
      numericsClass: 'class a',
      onlyClassOfRun: true,
    });
    expect(resumed.the('refused').numericsClasses).toEqual(numericsClasses);
  });

  it('forgets a node that hangs up before hello', async () => {
    const node = new ScriptedNode(fleet);
    node.hangUp();
    await settled();
    expect(events).toEqual([]);
  });
});

describe('a round', () => {
  it('sends each node the state once, before its first item, however many threads and items', async () => {
    const nodes = [await attached(fleet, { threads: 4 }), await attached(fleet)];
    const round = run(30);
    await settled();
    for (const node of nodes) {
      expect(node.received[1]!.type).toBe('parameters');
      answering(node);
    }
    await round.promise;
    for (const node of nodes) expect(node.states).toHaveLength(1);
    expect(round.accepted.sort((a, b) => a - b)).toEqual([...new Array(30).keys()]);
  });

  it('sends the state again only when its version has changed', async () => {
    const node = answering(await attached(fleet));
    const stateOf = (version: number): Partial<RoundRequest> => ({
      state: new Broadcast(parameters({ version })),
    });
    await run(2, { change: stateOf(1) }).promise;
    await run(2, { change: stateOf(1) }).promise;
    await run(2, { change: stateOf(2) }).promise;
    expect(node.states.map(({ version }) => version)).toEqual([1, 2]);
  });

  it('uses a node that comes late from the next item on', async () => {
    const early = await attached(fleet);
    const round = run(10);
    await settled();
    expect(early.items).toHaveLength(2);
    const late = answering(await attached(fleet));
    await settled();
    expect(late.items.length).toBeGreaterThan(0);
    answering(early);
    await round.promise;
  });

  it('gives the items of a node that vanishes to others', async () => {
    const vanishing = await attached(fleet, { nodeName: 'vanishing' });
    const staying = await attached(fleet);
    const round = run(6);
    await settled();
    vanishing.hangUp('power cut');
    await settled();
    answering(staying);
    await round.promise;
    expect(round.accepted.sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(eventsOf('worker-left')).toEqual([
      expect.objectContaining({ node: 'vanishing', reason: 'power cut', workersNow: 1 }),
    ]);
  });

  it('asks for an answer once more where the verdict is `again`', async () => {
    let asked = 0;
    const node = answering(await attached(fleet));
    const round = run(1, { judge: () => (++asked === 1 ? { kind: 'repeat' } : { kind: 'accepted' }) });
    await round.promise;
    expect(node.items).toHaveLength(2);
    expect(node.closings).toEqual([]);
  });

  it('tells a node to forget what another has answered meanwhile', async () => {
    const slow = await attached(fleet);
    const round = run(2);
    await settled();
    const quick = await attached(fleet);
    quick.send(answerTo(quick.items[0]!));
    await settled();
    expect(slow.the('cancel')).toEqual({ type: 'cancel', item: 'work', round: STEP, index: 1 });
    answering(slow);
    await round.promise;
  });

  it('ends with the error of a verdict that training has diverged; the node stays, and works on the next round', async () => {
    const node = answering(await attached(fleet));
    const error = new Error('the loss is not finite');
    const diverged = run(2, { judge: () => ({ kind: 'diverged', error }) });
    await expect(diverged.promise).rejects.toBe(error);
    expect(diverged.accepted).toEqual([]);
    const message = (microBatch: number): Work => work({ step: STEP + 1, microBatch });
    await run(1, { change: { round: STEP + 1, message } }).promise;
    expect(node.closings).toEqual([]);
  });

  it('ends as the signal says when it is aborted, before or during the round', async () => {
    const node = await attached(fleet);
    const controller = new AbortController();
    const round = run(2, { signal: controller.signal });
    await settled();
    const reason = new Error('stopped by SIGINT');
    controller.abort(reason);
    await settled();
    expect(round.outcome()).toBe(reason);
    const next = run(2, { signal: controller.signal });
    await settled();
    expect(next.outcome()).toBe(reason);
    expect(node.items).toHaveLength(2);
    answering(node);
    await run(2).promise; // the node is none the worse for it
  });
});

describe('a round whose first items cannot be handed out', () => {
  it('ends with the error, and is over for whoever comes later', async () => {
    const early = await attached(fleet, { nodeName: 'early' });
    const error = new Error('the samples cannot be read');
    const round = run(2, {
      change: {
        message: () => {
          throw error;
        },
      },
    });
    await expect(round.promise).rejects.toBe(error);
    expect(vi.getTimerCount()).toBe(0);
    const late = await attached(fleet, { nodeName: 'late' });
    expect(late.received.map(({ type }) => type)).toEqual(['welcome']);
    [early, late].forEach(answering);
    await run(2).promise;
  });
});

describe('answers that nobody waits for are ignored', () => {
  it('of another round, of another kind, beyond the items, or given twice', async () => {
    const node = await attached(fleet);
    const round = run(3);
    await settled();
    node.send(
      result({ step: STEP - 1, microBatch: 0 }),
      result({ step: STEP + 1, microBatch: 0 }),
      evaluated({ evaluation: STEP, chunk: 0 }),
      result({ step: STEP, microBatch: 3 }),
      result({ step: STEP, microBatch: 0 }),
      result({ step: STEP, microBatch: 0 }),
      failed({ round: STEP - 1, index: 1 }),
    );
    await settled();
    expect(round.accepted).toEqual([0]);
    answering(node);
    await round.promise;
    expect(round.accepted).toEqual([0, 1, 2]);
    expect(node.closings).toEqual([]);
  });

  it('between rounds', async () => {
    const node = await attached(fleet);
    node.send(result(), evaluated(), failed());
    await settled();
    expect(node.closings).toEqual([]);
    answering(node);
    await run(2).promise;
  });
});

describe('a foul answer', () => {
  it('cuts off that node and no other, tells it why, and has the item computed by another', async () => {
    const fouling = await attached(fleet, { nodeName: 'fouling' });
    const fair = await attached(fleet, { nodeName: 'fair' });
    let fouls = 0;
    const round = run(4, {
      judge: () =>
        fouls++ === 0 ? { kind: 'refused', reason: 'a gradient of 3 bytes' } : { kind: 'accepted' },
    });
    await settled();
    fouling.send(answerTo(fouling.items[0]!));
    await settled();
    expect(fouling.the('refused')).toMatchObject({
      code: 'E_PROTOCOL',
      reason: expect.stringMatching(/^a gradient of 3 bytes; fix that/) as string,
    });
    expect(fouling.closings).toHaveLength(1);
    expect(eventsOf('worker-left')).toEqual([
      expect.objectContaining({ node: 'fouling', reason: 'a gradient of 3 bytes' }),
    ]);
    answering(fair);
    await round.promise;
    expect(round.accepted.sort()).toEqual([0, 1, 2, 3]);
    expect(fair.closings).toEqual([]);
  });

  it('ends all that its node may say, even what was on its way already', async () => {
    const node = await attached(fleet);
    let judged = 0;
    const round = run(2, {
      judge: () => {
        judged++;
        return { kind: 'refused', reason: 'no' };
      },
    });
    await settled();
    node.send(...node.items.map(answerTo), failed({ round: STEP }), { type: 'drain' });
    await settled();
    expect(judged).toBe(1);
    expect(eventsOf('notice')).toEqual([]);
    expect(node.received.filter(({ type }) => type === 'bye')).toEqual([]);
    fleet.abort(new Error('enough'));
    await round.promise.catch(() => undefined);
  });
});

describe('a node that was refused', () => {
  async function refusedOnce(): Promise<void> {
    const node = await attached(fleet, { nodeName: 'bad' });
    const round = run(1, { judge: () => ({ kind: 'refused', reason: 'a gradient of 3 bytes' }) });
    await settled();
    node.send(answerTo(node.items[0]!));
    await settled();
    fleet.abort(new Error('enough'));
    await round.promise.catch(() => undefined);
  }

  it('is named to the run, with its address and the reason', async () => {
    await refusedOnce();
    expect(eventsOf('worker-refused')).toEqual([
      { event: 'worker-refused', node: 'bad', address: 'a test', reason: 'a gradient of 3 bytes' },
    ]);
  });

  it('is turned away however often it comes back, and the run hears of that once', async () => {
    await refusedOnce();
    const before = events.length;
    for (let attempt = 0; attempt < 20; attempt++) {
      const again = await attached(fleet, { nodeName: 'bad' });
      expect(again.received.map(({ type }) => type)).toEqual(['refused']);
      expect(again.the('refused').reason).toMatch(
        /refused before in this run: a gradient of 3 bytes; fix that, then restart the worker/,
      );
      expect(again.closings).toHaveLength(1);
    }
    expect(events).toHaveLength(before + 1);
    expect(events.at(-1)).toMatchObject({ event: 'connection-refused', address: 'a test', count: 1 });
    answering(await attached(fleet, { nodeName: 'good' }));
    await run(3).promise;
  });
});

describe('whoever uses the name of another', () => {
  const impostor = hello({ nodeName: 'trainer-7', nodeSecret: 'f'.repeat(32) });

  it('harms neither it nor others of its host, and the name is taken again at once', async () => {
    answering(await attached(fleet, { nodeName: 'trainer-7' }));
    for (let life = 0; life < 20; life++) {
      const nodeSecret = life.toString(16).padStart(32, '0');
      const node = await attached(fleet, { nodeName: 'trainer-7', nodeSecret });
      node.send(impostor); // a second hello is never forgiven
      await settled();
      expect(node.the('refused').reason).toMatch(/^a second hello/);
    }
    const back = await attached(fleet, { nodeName: 'trainer-7' });
    const other = await attached(fleet, { nodeName: 'trainer-8' });
    for (const node of [back, other]) expect(node.received.map(({ type }) => type)).toEqual(['welcome']);
    [back, other].forEach(answering);
    await run(3).promise;
  });

  it('cannot learn its secret from the run', async () => {
    const node = await attached(fleet, { nodeName: 'trainer-7' });
    node.send(impostor);
    await settled();
    expect(events.length).toBeGreaterThan(0);
    expect(JSON.stringify(events)).not.toContain(secretOf('trainer-7'));
  });
});

describe('a node of the same protocol without a secret', () => {
  it('is refused; one of an older protocol is told that the versions differ', async () => {
    const without = await attached(fleet, { nodeSecret: undefined });
    expect(without.the('refused').reason).toMatch(/without a secret/);
    const older = await attached(fleet, { nodeSecret: undefined, protocolVersion: PROTOCOL_VERSION - 1 });
    expect(older.the('refused').reason).toMatch(/the protocol versions differ/);
  });
});

describe('answers beyond what honest repetition explains', () => {
  it('get a node refused, and the run goes on', async () => {
    const babbling = await attached(fleet, { nodeName: 'babbling' });
    const round = run(4);
    await settled();
    for (let step = 0; step < 16; step++) babbling.send(result({ step: step + 100, microBatch: 0 }));
    await settled();
    expect(babbling.the('refused').reason).toMatch(/not given/);
    answering(await attached(fleet, { nodeName: 'good' }));
    await round.promise;
    expect(round.accepted.sort()).toEqual([0, 1, 2, 3]);
  });

  it('are none of those that were called off too late or came after the end of their round', async () => {
    const late = await attached(fleet, { nodeName: 'late' });
    for (let step = 0; step < 30; step++) {
      const round = run(2, {
        change: { round: 1000 + step, message: (microBatch) => work({ step: 1000 + step, microBatch }) },
      });
      await settled();
      const quick = await attached(fleet, { nodeName: `quick ${step}` });
      vi.advanceTimersByTime(1e5);
      await settled();
      quick.onMessage = (message) => message.type === 'work' && quick.send(answerTo(message));
      for (const item of quick.items) quick.send(answerTo(item));
      vi.advanceTimersByTime(1e5);
      await settled();
      late.send(answerTo(late.items.at(-2)!)); // the first of this round, at last
      late.send(answerTo(late.items.at(-1)!));
      await round.promise;
      quick.hangUp();
      await settled();
    }
    expect(late.closings).toEqual([]);
  });
});

describe('failures', () => {
  it('give the item to another and are told to the run', async () => {
    const failing = await attached(fleet, { nodeName: 'failing' });
    const sound = await attached(fleet);
    const round = run(4);
    await settled();
    failing.send(failed({ round: STEP, index: 0, reason: 'out of memory' }));
    await settled();
    expect(eventsOf('notice')[0]!.message).toMatch(/failing .*out of memory/);
    answering(sound);
    answering(failing);
    await round.promise;
    expect(failing.closings).toEqual([]);
  });

  it('again and again with long reasons learns of its refusal all the same, with the remedy', async () => {
    const node = await attached(fleet, { threads: 1 });
    for (let time = 0; time < 3; time++) node.send(failed({ reason: 'r'.repeat(2000) }));
    await settled();
    const again = await attached(fleet);
    for (const { received } of [node, again]) {
      const refusal = received.at(-1)!;
      expect(decodeCoordinatorMessage(encodeMessage(refusal))).toEqual(refusal); // it fits its schema
      expect(refusal).toMatchObject({ type: 'refused' });
      expect((refusal as Refused).reason).toMatch(/r…; fix that, then restart the worker$/);
    }
  });

  it('three times in a row cut the node off; an answer between them forgives', async () => {
    const node = await attached(fleet);
    const round = run(12);
    await settled();
    const failure = failed({ round: STEP, index: 0 });
    node.send(failure, failure, result({ step: STEP, microBatch: 1 }), failure, failure);
    await settled();
    expect(node.closings).toEqual([]);
    node.send(failure);
    await settled();
    expect(node.the('refused')).toMatchObject({ code: 'E_REFUSED' });
    expect(node.the('refused').reason).toMatch(/3 times in a row: out of memory/);
    expect(round.outcome()).toBe('open'); // another may come
    answering(await attached(fleet, { nodeName: 'another' }));
    await round.promise;
  });

  it('of the only node of this process end the round: it cannot be replaced', async () => {
    const node = await attached(fleet, {}, { local: true });
    const round = run(2);
    await settled();
    const failure = failed({ round: STEP, index: 0, reason: 'no WebAssembly' });
    node.send(failure, failure, failure);
    await settled();
    expect(round.outcome()).toMatchObject({ code: 'E_ENGINE_FAILED', message: 'no WebAssembly' });
  });
});

describe('with nobody attached', () => {
  it('a round waits for so long, says so, and then ends with E_NO_WORKERS and the remedy', async () => {
    const round = run(1);
    await settled();
    expect(eventsOf('waiting')).toEqual([
      {
        event: 'waiting',
        reason: 'for workers: none attached',
        workersNeeded: 1,
        timeoutSeconds: WAIT_TIMEOUT_MS / 1000,
      },
    ]);
    vi.advanceTimersByTime(WAIT_TIMEOUT_MS - 1);
    await settled();
    expect(round.outcome()).toBe('open');
    vi.advanceTimersByTime(1);
    const error = await rejectionOf('E_NO_WORKERS', round.promise);
    expect(error.message).toMatch(/; attach one$/);
    const threads = new Fleet({ welcome: welcome(), onEvent: () => undefined, waitTimeoutMs: 1 });
    const nobody = rejectionOf('E_NO_WORKERS', threads.waitForWorkers(1));
    vi.advanceTimersByTime(1);
    expect((await nobody).message).not.toContain('--'); // `train` has no option that would help
  });

  it('a round goes on when somebody comes in time, and waits anew when the last one leaves', async () => {
    const round = run(4);
    vi.advanceTimersByTime(WAIT_TIMEOUT_MS - 1);
    const node = await attached(fleet);
    vi.advanceTimersByTime(10 * WAIT_TIMEOUT_MS);
    await settled();
    expect(round.outcome()).toBe('open');
    node.hangUp();
    await settled();
    vi.advanceTimersByTime(WAIT_TIMEOUT_MS);
    await rejectionOf('E_NO_WORKERS', round.promise);
  });

  it('no timer outlives the round', async () => {
    answering(await attached(fleet));
    await run(3).promise;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('waitForWorkers resolves as soon as enough workers (threads) are there', async () => {
    let there = false;
    const waiting = fleet.waitForWorkers(3).then(() => (there = true));
    await attached(fleet, { threads: 2 });
    expect(there).toBe(false);
    await attached(fleet, { threads: 1 });
    await waiting;
    await fleet.waitForWorkers(3);
    expect(eventsOf('waiting')).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('waitForWorkers gives up after the wait timeout, and at once when aborted', async () => {
    const waiting = fleet.waitForWorkers(2);
    await attached(fleet);
    vi.advanceTimersByTime(WAIT_TIMEOUT_MS);
    const error = await rejectionOf('E_NO_WORKERS', waiting);
    expect(error.message).toMatch(/^1 worker\(s\) attached, 2 needed/);

    const controller = new AbortController();
    const reason = new Error('stopped by SIGINT');
    const aborted = fleet.waitForWorkers(2, controller.signal);
    controller.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('waitForWorkers ends with the error of a run that has failed meanwhile, as does the next round', async () => {
    const error = new Error('the folder was taken over');
    const waiting = [fleet.waitForWorkers(1), fleet.waitForWorkers(2)];
    fleet.abort(error);
    for (const each of waiting) await expect(each).rejects.toBe(error);
    expect(vi.getTimerCount()).toBe(0);
    await expect(fleet.waitForWorkers(1)).rejects.toBe(error);
    await expect(run(1).promise).rejects.toBe(error);
  });
});

describe('a node that drains', () => {
  it('gets nothing more, hands in what it has, and is then sent off', async () => {
    const leaving = await attached(fleet, { nodeName: 'leaving' });
    const staying = await attached(fleet);
    const round = run(9);
    await settled();
    leaving.send({ type: 'drain' });
    await settled();
    expect(leaving.items).toHaveLength(2);
    leaving.send(answerTo(leaving.items[0]!));
    await settled();
    expect(leaving.items).toHaveLength(2);
    expect(leaving.closings).toEqual([]);
    leaving.send(answerTo(leaving.items[1]!));
    await settled();
    expect(leaving.the('bye')).toEqual({ type: 'bye', runEnded: false, reason: 'drained' });
    expect(leaving.closings).toEqual(['drained']);
    expect(eventsOf('worker-left')).toEqual([
      expect.objectContaining({ node: 'leaving', reason: 'drained' }),
    ]);
    answering(staying);
    await round.promise;
    expect(round.accepted.sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('is sent off as well when what it has fails', async () => {
    const node = await attached(fleet);
    const round = run(1);
    await settled();
    node.send({ type: 'drain' }, failed({ round: STEP, index: 0 }));
    await settled();
    expect(node.closings).toEqual(['drained']);
    answering(await attached(fleet));
    await round.promise;
    expect(round.accepted).toEqual([0]);
  });

  it('is sent off once it has answered an item of an earlier round, if the rest was taken from it', async () => {
    const node = await attached(fleet);
    const earlier = run(1);
    await settled();
    const quick = await attached(fleet);
    vi.advanceTimersByTime(1e5); // the item is late, and repeated
    await settled();
    answering(quick);
    await earlier.promise;
    await attached(fleet, { threads: 2 }); // answers nothing, so the round goes on
    const later = STEP + 1;
    const message = (microBatch: number): Work => work({ step: later, microBatch });
    quick.onMessage = undefined;
    const round = run(6, { change: { round: later, message } });
    await settled();
    node.send({ type: 'drain' });
    await settled();
    for (const item of quick.items.slice(1)) quick.send(answerTo(item)); // and is idle
    await settled();
    vi.advanceTimersByTime(1e5);
    await settled();
    expect(node.received.map(({ type }) => type).slice(-3)).toEqual(['work', 'work', 'cancel']);
    expect(node.closings).toEqual([]);
    node.send(answerTo(node.items[0]!));
    await settled();
    expect(round.outcome()).toBe('open');
    expect(node.closings).toEqual(['drained']);
  });

  it('is sent off as well when it has no workers left, as a relay may', async () => {
    const relay = await attached(fleet, { threads: 2 });
    const round = run(2);
    await settled();
    relay.send({ type: 'drain' }, workers({ threads: 0 }));
    await settled();
    expect(relay.closings).toEqual(['drained']);
    expect(eventsOf('worker-left')).toHaveLength(1);
    answering(await attached(fleet));
    await round.promise;
  });

  it('late in a long round does not end the run: the waiting for others begins then', async () => {
    const node = await attached(fleet);
    const round = run(3);
    let failure: unknown;
    round.promise.catch((error: unknown) => (failure = error));
    await settled();
    vi.advanceTimersByTime(2 * WAIT_TIMEOUT_MS);
    node.send(answerTo(node.items[0]!));
    await settled();
    node.send({ type: 'drain' });
    await settled();
    vi.advanceTimersByTime(WAIT_TIMEOUT_MS - 1);
    await settled();
    expect(failure).toBeUndefined();
    vi.advanceTimersByTime(2);
    await settled();
    expect(failure).toMatchObject({ code: 'E_NO_WORKERS' });
  });

  it('is sent off at once when it holds nothing', async () => {
    const node = await attached(fleet);
    node.send({ type: 'drain' });
    await settled();
    expect(node.the('bye').runEnded).toBe(false);
    expect(fleet.memberCount).toBe(0);
  });

  it('is sent off at the end of the round, if what it holds was answered by another', async () => {
    const stalled = await attached(fleet);
    const round = run(2);
    await settled();
    const quick = await attached(fleet);
    stalled.send({ type: 'drain' });
    stalled.send(answerTo(stalled.items[0]!));
    await settled();
    answering(quick);
    await round.promise;
    await settled();
    expect(stalled.the('bye').reason).toBe('drained');
  });

  it('leaves the coordinator waiting for others, which is said once', async () => {
    const node = await attached(fleet);
    const round = run(5);
    await settled();
    node.send({ type: 'drain' });
    await settled();
    expect(eventsOf('waiting')).toHaveLength(1);
    for (const item of node.items) node.send(answerTo(item));
    await settled();
    expect(node.closings).toEqual(['drained']);
    answering(await attached(fleet));
    await round.promise;
  });

  it('as the last one that would take items, is missed once', async () => {
    const holding = await attached(fleet);
    const idle = await attached(fleet);
    const round = run(1);
    await settled();
    holding.send({ type: 'drain' });
    await settled();
    expect(eventsOf('waiting')).toEqual([]);
    idle.send({ type: 'drain' });
    await settled();
    expect(eventsOf('waiting')).toHaveLength(1);
    answering(holding);
    await round.promise;
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('nodes that come and go hundreds of times a second', () => {
  const TIMES = 500;
  const come = (change: Partial<Hello> = {}): Promise<ScriptedNode> => attached(fleet, change);

  async function comeAndGo(): Promise<void> {
    for (let time = 0; time < TIMES; time++) {
      (await come({ nodeName: `flap-${time}` })).hangUp();
      await settled();
    }
  }

  it('are told of one by one at first, then together, and none is lost', async () => {
    await come({ nodeName: 'steady' });
    await comeAndGo();
    vi.advanceTimersByTime(10_000);
    const [joined, left] = [eventsOf('worker-joined'), eventsOf('worker-left')];
    expect(joined.length).toBeGreaterThan(20);
    expect(events.length).toBeLessThan(210);
    // Whoever was told to have come was told to have gone.
    expect(left.map(({ node }) => node)).toEqual(joined.slice(1).map(({ node }) => node));
    const changes = eventsOf('workers-changed');
    expect(changes).toEqual([
      {
        event: 'workers-changed',
        address: 'a test',
        joined: TIMES + 1 - joined.length,
        left: TIMES - left.length,
        refused: 0,
        failed: 0,
        workersNow: 1,
      },
    ]);
  });

  it('are told of at the end of the run, if not before', async () => {
    await comeAndGo();
    expect(eventsOf('workers-changed')).toEqual([]);
    fleet.end('the run has ended', { runEnded: true });
    expect(eventsOf('workers-changed')).toHaveLength(1);
  });

  it('are told of no more often if it is the workers of one node that come and go', async () => {
    const relay = await come({ nodeName: 'relay', threads: 0 });
    for (let time = 0; time < TIMES; time++) {
      relay.send(workers({ threads: 4096 }), workers({ threads: 0 }));
    }
    await settled();
    vi.advanceTimersByTime(10_000);
    const [joined, left] = [eventsOf('worker-joined').length, eventsOf('worker-left').length];
    expect(events.length).toBeLessThan(210);
    expect(left).toBe(joined);
    expect(eventsOf('workers-changed')).toMatchObject([{ joined: TIMES - joined, left: TIMES - left }]);
  });

  it('say no more often than that what they could not compute', async () => {
    const node = await come({ threads: 4096 });
    for (let time = 0; time < TIMES; time++) node.send(failed({ reason: `reason ${time}` }));
    await settled();
    vi.advanceTimersByTime(10_000);
    const notices = eventsOf('notice').length;
    expect(notices).toBeLessThan(110);
    expect(eventsOf('workers-changed')).toMatchObject([{ failed: TIMES - notices }]);
  });

  it('do not each time have it said that nobody is left', async () => {
    const round = run(1);
    await comeAndGo();
    expect(eventsOf('waiting').length).toBeLessThan(30);
    answering(await come());
    await round.promise;
  });
});

describe('the end', () => {
  it('says bye to everybody, with what it means, and to those who come after it', async () => {
    const nodes = [await attached(fleet), await attached(fleet)];
    fleet.end('the run has ended', { runEnded: true });
    await settled();
    for (const node of nodes) {
      expect(node.the('bye')).toEqual({ type: 'bye', runEnded: true, reason: 'the run has ended' });
      expect(node.closings).toEqual(['the run has ended']);
    }
    expect(eventsOf('worker-left')).toEqual([]); // nobody is missed
    const late = await attached(fleet);
    expect(late.the('bye').runEnded).toBe(true);
    expect(fleet.memberCount).toBe(0);
  });
});

describe('a node whose workers come and go', () => {
  it('is given nothing while it has none, and is no news', async () => {
    const relay = await attached(fleet, { nodeName: 'relay', threads: 0, numericsClass: 'none' });
    const { outcome } = run(2);
    await settled();
    expect(relay.items).toEqual([]);
    expect(fleet.workerCount).toBe(0);
    expect(eventsOf('worker-joined')).toEqual([]);
    expect(eventsOf('waiting')).toHaveLength(1);
    relay.send(workers({ threads: 2, numericsClass: 'simd/1' }));
    await settled();
    expect(relay.items).toHaveLength(2);
    expect(eventsOf('worker-joined')).toMatchObject([
      { node: 'relay', threads: 2, numericsClass: 'simd/1', workersNow: 2 },
    ]);
    for (const item of relay.items) relay.send(answerTo(item));
    await settled();
    expect(outcome()).toBe('done');
  });

  it('loses its items when it has none left; others compute them, and late answers are no fault', async () => {
    const relay = answering(await attached(fleet, { nodeName: 'relay', threads: 2 }));
    relay.onMessage = undefined;
    const { accepted, outcome } = run(2);
    await settled();
    expect(relay.items).toHaveLength(2);
    relay.send(workers({ threads: 0 }));
    await settled();
    expect(eventsOf('worker-left')).toMatchObject([{ node: 'relay', workersNow: 0 }]);
    const other = answering(await attached(fleet, { nodeName: 'other' }));
    await settled();
    expect(other.items).toHaveLength(2);
    expect(accepted.sort()).toEqual([0, 1]);
    expect(outcome()).toBe('done');
    for (const item of relay.items) relay.send(answerTo(item));
    await settled();
    expect(relay.closings).toEqual([]);
  });

  it('is told of when it is refused while it has none', async () => {
    const relay = await attached(fleet, { nodeName: 'relay', threads: 2 });
    relay.send(workers({ threads: 0 }), hello());
    await settled();
    expect(eventsOf('worker-left')).toHaveLength(1);
    expect(eventsOf('worker-refused')).toMatchObject([{ node: 'relay', reason: 'a second hello' }]);
  });

  it('ends the wait for workers when it brings enough', async () => {
    let isOver = false;
    void fleet.waitForWorkers(3).then(() => (isOver = true));
    const relay = await attached(fleet, { threads: 0 });
    relay.send(workers({ threads: 2 }));
    await settled();
    expect(isOver).toBe(false);
    relay.send(workers({ threads: 3 }));
    await settled();
    expect(isOver).toBe(true);
    expect(fleet.workerCount).toBe(3);
  });
});
