/**
 * Gives plans the tiles that suit the device: remembered ones, and measured ones if a first gradient has sizes that were
 * never measured here. No failure here stops a run: the usual tiles always work.
 */

import type { Model } from '../../../model/index.js';
import type { Session } from '../dawn/session.js';
import { KernelTimer } from '../kernelTimer.js';
import type { WorkgroupLimits } from '../kernels/limits.js';
import type { PassSize, TileSource } from '../openDevice.js';
import { planPass } from '../plan/devicePlan.js';
import { USUAL_TILES } from '../plan/tiles.js';
import type { Tiles } from '../plan/tiles.js';
import { firstTiles, namedCandidates, RoundTiles } from './roundTiles.js';
import type { TileCandidates, TileNames } from './roundTiles.js';
import { tuneTiles } from './tuneTiles.js';
import type { TuningCache } from './tuningCache.js';

/** For measuring, without its confirmation. Beyond a minute in total, the item would be treated as hanging. */
const BUDGET_MS = 18_000;
/** Time to wait for another thread or process to measure. */
const WAIT_MS = 30_000;

/** Measures the sizes that are not known. */
export type Measure = (session: Session, imageCount: number, known: TileNames) => Promise<TileNames>;

export interface TileTunerOptions {
  readonly model: Model;
  readonly cache: TuningCache;
  /** Whether it may measure, or only use what is known. */
  readonly mayMeasure: boolean;
  /** Opens the device a second time, for measurements. */
  readonly openSession: () => Promise<Session>;
  readonly waitMs?: number;
  readonly measure?: Measure;
}

const USUAL: TileCandidates = {
  convolution: (size) => [USUAL_TILES.convolution(size)],
  weightGradient: (size) => [USUAL_TILES.weightGradient(size)],
};

export class TileTuner implements TileSource {
  /** What plans were made with: it stays for as long as the engine lives, whatever others may measure. */
  private readonly known = new Map<string, string>();
  /** Images of the largest micro-batch so far. Smaller ones are the rest of an epoch, and not worth measuring. */
  private largest = 0;

  constructor(private readonly options: TileTunerOptions) {}

  async tilesFor(pass: PassSize, limits: WorkgroupLimits): Promise<Tiles> {
    const usual = usualNames(pass, this.options.model);
    this.learn(this.options.cache.read());
    if (pass.kind === 'training' && pass.imageCount > this.largest) {
      if (!this.knowsAll(usual) && this.options.mayMeasure) await this.measureOnce(pass.imageCount, usual);
      this.largest = pass.imageCount;
    }
    if (pass.kind === 'training') this.learn(usual);
    return firstTiles(namedCandidates(this.known, limits, USUAL));
  }

  private knowsAll(names: TileNames): boolean {
    return [...names.keys()].every((key) => this.known.has(key));
  }

  /** Entries that are already known do not change. */
  private learn(names: TileNames): void {
    for (const [key, name] of names) if (!this.known.has(key)) this.known.set(key, name);
  }

  /** Under the lock. If another holds it, waits for that one's measurements. */
  private async measureOnce(imageCount: number, usual: TileNames): Promise<void> {
    const { cache, waitMs = WAIT_MS } = this.options;
    const lock = cache.lock();
    const outcome = await lock.acquire(waitMs);
    this.learn(cache.read());
    // Without a cache each thread would choose by itself, and perhaps differently.
    if (outcome !== 'mine') return;
    try {
      if (this.knowsAll(usual)) return;
      const measured = await this.measure(imageCount).catch(() => new Map<string, string>());
      // Sizes that could not be measured are not tried again at every start.
      if (cache.add(new Map([...usual, ...measured]))) this.learn(cache.read());
    } finally {
      lock.release();
    }
  }

  private async measure(imageCount: number): Promise<TileNames> {
    const { openSession, measure = this.measureOn } = this.options;
    const session = await openSession();
    try {
      return await measure(session, imageCount, this.known);
    } finally {
      session.dispose();
    }
  }

  private readonly measureOn: Measure = async (session, imageCount, known) => {
    if (!KernelTimer.isSupported(session)) return new Map();
    const { model } = this.options;
    const choices = await tuneTiles({ session, model, imageCount, known, budgetMs: BUDGET_MS });
    return new Map([...choices].map(([key, { tile }]) => [key, tile]));
  };
}

/** The tiles of a pass if nothing is known. */
function usualNames(pass: PassSize, model: Model): TileNames {
  const tiles = new RoundTiles(USUAL);
  planPass({ ...pass, model, tiles });
  return tiles.current;
}
