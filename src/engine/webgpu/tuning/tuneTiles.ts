/**
 * Finds the tiles that suit a device. It measures the promising ones, and takes for each size the fastest that beats the
 * usual one. Then it measures the chosen ones again beside the usual tiles, since the best of many may be best by chance.
 */

import { initialiseModel } from '../../../model/index.js';
import type { Model } from '../../../model/index.js';
import type { MicroBatch } from '../../engine.js';
import type { Session } from '../dawn/session.js';
import { chooseTiles } from './chooseTiles.js';
import type { TileChoice } from './chooseTiles.js';
import { measureTiles } from './measureTiles.js';
import type { Pace, Round } from './measureTiles.js';
import { promisingTiles } from './promisingTiles.js';
import { firstOfEach, namedCandidates, RoundTiles } from './roundTiles.js';
import type { TileCandidates, TileNames } from './roundTiles.js';

export interface TuningOptions {
  /** Only for this: what it compiles is not used later. */
  readonly session: Session;
  readonly model: Model;
  readonly imageCount: number;
  /** Sizes that were measured before: they keep their tiles. */
  readonly known: TileNames;
  readonly budgetMs: number;
  /** Maximum number of tiles measured per size. */
  readonly most?: number;
  readonly pace?: Pace;
  readonly onRound?: (round: Round, stage: 'search' | 'confirmation') => void;
}

/** Ten rounds of a common network take about twenty seconds if the driver compiles slowly. */
const MOST_TILES = 8;
/** Nothing is compiled for it. */
const CONFIRMATION_MS = 4000;

export async function tuneTiles(options: TuningOptions): Promise<ReadonlyMap<string, TileChoice>> {
  const limits = options.session.workgroupLimits;
  const candidates = namedCandidates(
    options.known,
    limits,
    promisingTiles(limits, options.most ?? MOST_TILES),
  );
  const rounds = await measured(options, candidates, 'search');
  const choices = chooseTiles(rounds);
  const names = new Map([...choices].map(([key, { tile }]) => [key, tile]));
  if ([...choices.values()].every(({ tile, usual }) => tile === usual)) return choices;
  const both = firstOfEach(candidates, namedCandidates(names, limits, candidates));
  const trial = await measured({ ...options, budgetMs: CONFIRMATION_MS }, both, 'confirmation');
  return confirmed(choices, trial);
}

async function measured(
  { session, model, imageCount, budgetMs, pace, onRound }: TuningOptions,
  candidates: TileCandidates,
  stage: 'search' | 'confirmation',
): Promise<Round[]> {
  const rounds: Round[] = [];
  const [state, batch] = [initialiseModel(model, 1), syntheticBatch(model, imageCount)];
  const tiles = new RoundTiles(candidates);
  for await (const round of measureTiles({ session, model, state, batch, tiles, budgetMs, pace })) {
    rounds.push(round);
    onRound?.(round, stage);
  }
  return rounds;
}

/** The choices that the trial of usual (round 0) and chosen tiles (round 1) confirms. */
export function confirmed(
  choices: ReadonlyMap<string, TileChoice>,
  trial: readonly Round[],
): ReadonlyMap<string, TileChoice> {
  const total = (round: number): number =>
    Math.min(
      ...trial.filter((run) => run.round === round && run.isSteady).map((run) => run.totalMicroseconds),
    );
  const isFaster = total(1) < total(0);
  const again = isFaster ? chooseTiles(trial) : new Map<string, TileChoice>();
  return new Map(
    [...choices].map(([key, choice]) => {
      const { usual, usualMicroseconds, measured: count } = choice;
      const kept = again.get(key) ?? {
        usual,
        usualMicroseconds,
        tile: usual,
        microseconds: usualMicroseconds,
      };
      return [key, { ...kept, measured: count }];
    }),
  );
}

/** Times do not depend on the values, as long as these are ordinary numbers. */
function syntheticBatch({ inputShape, classCount }: Model, imageCount: number): MicroBatch {
  const { height, width, channels } = inputShape;
  const images = new Float32Array(imageCount * height * width * channels);
  images.forEach((_, index) => (images[index] = (((index * 7919) % 251) - 125) / 72));
  return { images, labels: Uint8Array.from({ length: imageCount }, (_, index) => index % classCount) };
}
