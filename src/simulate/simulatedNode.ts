/** A node that waits instead of computing. Its conversation with the coordinator is the real one. */

import { Conversation } from '../worker/index.js';
import type { ItemPool } from '../worker/index.js';
import type { ClusterPlan } from './clusterPlan.js';
import { Drawing } from './drawing.js';
import type { Home } from './home.js';
import type { Machine } from './machine.js';
import { connect } from './simulatedChannel.js';
import type { Wire } from './simulatedChannel.js';
import { SMALL_MODEL } from './smallNetwork.js';

const DESCRIPTION = {
  name: 'simd',
  device: 'simulated',
  numericsClass: 'simulated',
  exact: true,
  versions: {},
} as const;

const MS_PER_HOUR = 3_600_000;
const { parameterCount, statisticCount } = SMALL_MODEL.layout;
/** All nodes answer with these vectors. Sums and compact forms are written over them, and they stay next to zero. */
const ANSWER = {
  kind: 'gradient',
  lossSum: 0,
  correct: 0,
  gradientSum: new Float32Array(parameterCount),
  statisticSum: new Float32Array(statisticCount),
  release: (): void => undefined,
} as const;

export interface NodeOptions {
  readonly wire: Wire;
  readonly machine: Machine;
  readonly index: number;
  readonly home: Home;
  readonly plan: Pick<
    ClusterPlan,
    'threads' | 'microBatch' | 'computeMs' | 'computeSpread' | 'failures' | 'seed'
  >;
  /** So many times as long as others for an item. */
  readonly slowness: number;
}

export class SimulatedNode {
  /** Items that its workers have begun. */
  computed = 0;
  failures = 0;
  private isMortal = false;
  private cut: () => void = () => undefined;
  private readonly durations: Drawing;
  private readonly deaths: Drawing;

  constructor(private readonly options: NodeOptions) {
    const { plan, index } = options;
    this.durations = new Drawing(plan.seed, index, 'durations');
    this.deaths = new Drawing(plan.seed, index, 'failures');
  }

  get machine(): Machine {
    return this.options.machine;
  }

  attach(): void {
    const { wire, home, machine, index } = this.options;
    const name = `node ${index}`;
    const { above, below, cut } = connect(
      wire,
      { machine: home.machine, peerName: name, onMessage: home.answers.see },
      { machine, peerName: home.name },
    );
    home.admit(above);
    new Conversation({
      ...{ channel: below, pool: this.pool(), description: DESCRIPTION, clock: wire.clock },
      ...{ nodeName: name, nodeSecret: secretOf(index), sendsSums: true },
    });
    this.cut = cut;
    if (this.isMortal) this.planDeath();
  }

  /** From here on it dies at random, and comes back. Call it once it is attached. */
  becomeMortal(): void {
    if (this.options.plan.failures.perNodeHour === 0) return;
    this.isMortal = true;
    this.planDeath();
  }

  private planDeath(): void {
    const { wire, plan } = this.options;
    const { perNodeHour, awayMs } = plan.failures;
    wire.clock.after(this.deaths.waitMs(MS_PER_HOUR / perNodeHour), () => {
      this.failures++;
      this.cut();
      wire.clock.after(awayMs, () => this.attach());
    });
  }

  private pool(): ItemPool {
    const { wire, plan } = this.options;
    return {
      engine: { name: 'simd' },
      threads: plan.threads,
      run: async ({ labels: { length: sampleCount } }) => {
        this.computed++;
        const durationMs = this.durationMs(sampleCount);
        await new Promise<void>((resolve) => void wire.clock.after(durationMs, resolve));
        return { ...ANSWER, sampleCount };
      },
    };
  }

  private durationMs(sampleCount: number): number {
    const { plan, slowness } = this.options;
    const usualMs = plan.computeMs * (sampleCount / plan.microBatch);
    return usualMs * slowness * this.durations.factor(plan.computeSpread);
  }
}

/** A node's secret is 32 hexadecimal digits. */
export function secretOf(index: number): string {
  return index.toString(16).padStart(32, '0');
}
