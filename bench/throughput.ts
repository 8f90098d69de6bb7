/** Lockstep beside PyTorch, taking turns, so that what the machine does in the meantime meets both. */

import type { IdleWatch } from './machine.js';
import { measurePeer, PEER_SETTINGS } from './peer.js';
import type { Peer, PeerSetting } from './peer.js';
import { spreadOf } from './statistics.js';
import type { Spread } from './statistics.js';
import { GLOBAL_BATCH, measureTraining } from './trainRun.js';
import type { TrainRun } from './trainRun.js';

export interface ThroughputOptions {
  readonly models: readonly string[];
  readonly workers: readonly number[];
  readonly rounds: number;
  readonly steps: number;
}

export interface ThroughputRow {
  readonly model: string;
  readonly workers: number;
  readonly numericsClass: string;
  /** Images a second: over the rounds, each round's value being the median of its steps. */
  readonly lockstep: Spread;
  readonly lockstepByTheClock: Spread;
  readonly stepMs: Spread;
  readonly coordinationShare: Spread;
  readonly peer: Readonly<Record<PeerSetting, Spread>> | null;
  readonly bestPeerSetting: PeerSetting | null;
  /** Lockstep's median by that of the peer's best setting. */
  readonly ratio: number | null;
  /** This median by the median of one worker. */
  readonly scaling: number | null;
}

/** All runs of one (model, workers). */
class Case {
  private readonly own: TrainRun[] = [];
  private readonly peers: Record<PeerSetting, number[]> = { contiguous: [], 'channels-last': [] };

  constructor(
    readonly model: string,
    readonly workers: number,
  ) {}

  async measureOnce(steps: number, peer: Peer | undefined, idle: IdleWatch): Promise<string> {
    const { model, workers } = this;
    await idle.probe();
    const own = await measureTraining({ model, workers, steps });
    this.own.push(own);
    const said = [`lockstep ${own.imagesPerSecond.toFixed(0)}`];
    const depth = depthOf(model);
    for (const setting of peer && depth !== undefined ? PEER_SETTINGS : []) {
      await idle.probe();
      const options = { depth: depth!, workers, globalBatch: GLOBAL_BATCH, steps, setting };
      const imagesPerSecond = await measurePeer(peer!, options);
      this.peers[setting].push(imagesPerSecond);
      said.push(`pytorch ${setting} ${imagesPerSecond.toFixed(0)}`);
    }
    return `${model}, workers ${workers}: ${said.join(', ')} images/s`;
  }

  row(): Omit<ThroughputRow, 'scaling'> {
    const lockstep = this.spread(({ imagesPerSecond }) => imagesPerSecond);
    const { contiguous, 'channels-last': channelsLast } = this.peers;
    const peer =
      contiguous.length > 0
        ? { contiguous: spreadOf(contiguous), 'channels-last': spreadOf(channelsLast) }
        : null;
    const best =
      peer && PEER_SETTINGS.reduce((a, b) => (peer[b].median > peer[a].median ? b : a), PEER_SETTINGS[0]);
    return {
      model: this.model,
      workers: this.workers,
      numericsClass: this.own[0]!.numericsClass,
      lockstep,
      lockstepByTheClock: this.spread(({ clockImagesPerSecond }) => clockImagesPerSecond),
      stepMs: this.spread(({ medianStepMs }) => medianStepMs),
      coordinationShare: this.spread(({ coordinationShare }) => coordinationShare),
      peer,
      bestPeerSetting: best,
      ratio: peer && best && lockstep.median / peer[best].median,
    };
  }

  private spread(of: (run: TrainRun) => number): Spread {
    return spreadOf(this.own.map(of));
  }
}

export async function measureThroughput(
  { models, workers, rounds, steps }: ThroughputOptions,
  peer: Peer | undefined,
  idle: IdleWatch,
  say: (message: string) => void,
): Promise<ThroughputRow[]> {
  const cases = models.flatMap((model) => workers.map((count) => new Case(model, count)));
  for (let round = 1; round <= rounds; round++) {
    for (const one of cases) say(`round ${round} of ${rounds}: ${await one.measureOnce(steps, peer, idle)}`);
  }
  const rows = cases.map((one) => one.row());
  return rows.map((row) => {
    const single = rows.find(({ model, workers: count }) => model === row.model && count === 1);
    const isCompared = single !== undefined && row.workers > 1;
    return { ...row, scaling: isCompared ? row.lockstep.median / single.lockstep.median : null };
  });
}

/** The peer trains the networks of 6n + 2 layers only. */
function depthOf(model: string): number | undefined {
  const digits = /^resnet(\d+)$/.exec(model)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
