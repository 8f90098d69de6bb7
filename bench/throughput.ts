/** Lockstep beside PyTorch, in turns, so that other load on the machine affects both. */

import type { IdleWatch } from './machine.js';
import { measurePeer, PEER_SETTINGS } from './peer.js';
import type { Peer, PeerSetting } from './peer.js';
import { inRepository } from './repository.js';
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
  /** Images/s over the rounds; each round's value is the median of its steps. */
  readonly lockstep: Spread;
  readonly lockstepByTheClock: Spread;
  readonly stepMs: Spread;
  readonly coordinationShare: Spread;
  readonly peer: Readonly<Record<PeerSetting, Spread>> | null;
  readonly bestPeerSetting: PeerSetting | null;
  /** Lockstep's median divided by that of the peer's best setting. */
  readonly ratio: number | null;
  /** This median divided by that of one worker. */
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
    const network = peerNetwork(model);
    for (const setting of peer && network !== undefined ? PEER_SETTINGS : []) {
      await idle.probe();
      const options = { network: network!, workers, globalBatch: GLOBAL_BATCH, steps, setting };
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

/** The peer trains the networks of the paper, those with more channels, and those in files. */
function peerNetwork(model: string): string | undefined {
  if (model === 'fast94') return inRepository('examples', 'networks', 'fast94.json');
  return /^resnet(\d+(x\d+)?)$/.exec(model)?.[1];
}
