/**
 * What a worker that is ten times slower costs a step. Uses the coordinator's own scheduling, with nodes in this process
 * that wait for a fixed time instead of computing. No engine, no network, no sums.
 */

import { Fleet } from '../src/coordinator/index.js';
import { Broadcast, createLocalChannel, LOCKSTEP_VERSION, PROTOCOL_VERSION } from '../src/protocol/index.js';
import type { NodeChannel, Welcome, Work } from '../src/protocol/index.js';
import { spreadOf } from './statistics.js';
import type { Spread } from './statistics.js';

export const STRAGGLER_ITEM_MS = 40;
const SLOW_FACTOR = 10;
/** Steps in which the coordinator learns each worker's speed. */
const WARM_UP_STEPS = 4;
const STEPS = 20;
const FLEETS = [
  [1, 4],
  [1, 8],
  [2, 4],
  [2, 8],
  [2, 16],
  [4, 4],
  [4, 16],
  [8, 16],
] as const;

export interface StragglerRow {
  readonly workers: number;
  readonly microBatches: number;
  /** Times of steps, in milliseconds. */
  readonly without: Spread;
  readonly withSlow: Spread;
  /** Of the medians: with, divided by without. */
  readonly ratio: number;
  /** The slow worker's share of the used answers. */
  readonly slowShare: number;
}

export async function measureStragglers(say: (message: string) => void): Promise<StragglerRow[]> {
  const rows: StragglerRow[] = [];
  for (const [workers, microBatches] of FLEETS) {
    const without = await measureFleet(workers, microBatches, false);
    const withSlow = await measureFleet(workers, microBatches, true);
    const ratio = withSlow.times.median / without.times.median;
    rows.push({
      workers,
      microBatches,
      without: without.times,
      withSlow: withSlow.times,
      ratio,
      slowShare: withSlow.slowShare,
    });
    say(`${workers} worker(s), ${microBatches} micro-batches: ${ratio.toFixed(2)} times as long`);
  }
  return rows;
}

async function measureFleet(
  workers: number,
  microBatches: number,
  withSlow: boolean,
): Promise<{ times: Spread; slowShare: number }> {
  const fleet = new Fleet({ welcome: WELCOME, onEvent: () => undefined, waitTimeoutMs: 60_000 });
  // The slow worker first: it then gets the first item of each turn.
  if (withSlow) attach(fleet, 'slow', SLOW_FACTOR * STRAGGLER_ITEM_MS);
  for (let index = 0; index < workers; index++) attach(fleet, `worker ${index}`, STRAGGLER_ITEM_MS);
  await fleet.waitForWorkers(workers + Number(withSlow));
  const times: number[] = [];
  let slowAnswers = 0;
  for (let step = 0; step < WARM_UP_STEPS + STEPS; step++) {
    const startedMs = performance.now();
    await fleet.run({
      kind: 'work',
      round: step,
      state: new Broadcast({
        type: 'parameters',
        version: step,
        wire: 'float32',
        parameters: EMPTY,
        statistics: EMPTY,
      }),
      itemCount: microBatches,
      sampleCountOf: () => 1,
      message: (microBatch) => workMessage(step, microBatch),
      accept: (_answer, _index, { name }) => {
        if (step >= WARM_UP_STEPS && name === 'slow') slowAnswers++;
        return { kind: 'accepted' };
      },
    });
    if (step >= WARM_UP_STEPS) times.push(performance.now() - startedMs);
  }
  fleet.end('measured', { runEnded: true });
  return { times: spreadOf(times), slowShare: slowAnswers / (STEPS * microBatches) };
}

/** A node of one worker, to which every item takes `itemMs`. */
function attach(fleet: Fleet, nodeName: string, itemMs: number): void {
  const { coordinatorEnd, nodeEnd } = createLocalChannel('this process');
  const worker = new WaitingWorker(nodeEnd, itemMs);
  nodeEnd.open({
    onMessage: (message) => {
      if (message.type === 'parameters') worker.forgetAll();
      if (message.type === 'work') worker.receive(message);
      if (message.type === 'cancel') worker.forget(message.round, message.index);
    },
    onClose: () => worker.forgetAll(),
  });
  nodeEnd.send({
    type: 'hello',
    protocolVersion: PROTOCOL_VERSION,
    lockstepVersion: LOCKSTEP_VERSION,
    nodeName,
    engine: 'none',
    device: 'a clock',
    numericsClass: 'none',
    exact: true,
    threads: 1,
  });
  fleet.admit(coordinatorEnd, { local: false });
}

class WaitingWorker {
  private queue: Work[] = [];
  private busy = false;

  constructor(
    private readonly channel: NodeChannel,
    private readonly itemMs: number,
  ) {}

  receive(item: Work): void {
    this.queue.push(item);
    this.pump();
  }

  forget(step: number, microBatch: number): void {
    this.queue = this.queue.filter((item) => item.step !== step || item.microBatch !== microBatch);
  }

  forgetAll(): void {
    this.queue = [];
  }

  private pump(): void {
    const item = this.busy ? undefined : this.queue.shift();
    if (!item) return;
    this.busy = true;
    setTimeout(() => {
      this.busy = false;
      const { step, microBatch } = item;
      const counts = { sampleCount: 1, lossSum: 0, correct: 0 };
      this.channel.send({
        type: 'result',
        step,
        microBatch,
        ...counts,
        gradientSum: EMPTY,
        statisticSum: EMPTY,
      });
      this.pump();
    }, this.itemMs);
  }
}

const EMPTY = new Uint8Array(0);

function workMessage(step: number, microBatch: number): Work {
  return {
    type: 'work',
    step,
    microBatch,
    pixels: EMPTY,
    labels: EMPTY,
    augmentationKey: null,
    mirrored: null,
    dropoutKey: [0, 0],
    roundingKey: null,
  };
}

const WELCOME: Welcome = {
  type: 'welcome',
  runName: 'straggler benchmark',
  lockstepVersion: LOCKSTEP_VERSION,
  network: '', // its nodes build none
  mean: [0, 0, 0],
  standardDeviation: [1, 1, 1],
  cropPadding: 4,
  border: 'zero',
  cutout: 0,
  colourJitter: 0,
  mixup: 0,
  labelSmoothing: 0,
  evaluationStatistics: 'running',
  evaluationViews: 'none',
  wire: 'float32',
};
