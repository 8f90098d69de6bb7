/**
 * The weights of a run with all that is needed to compute with them, in one frame for pages: the length of a header, four
 * bytes, little-endian; the header, JSON (WeightsHeader); parameters and running statistics, little-endian float32. The
 * weights are those that `predict` takes: the best, else the last.
 */

import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { evaluatedWeights, readCheckpoint, UnusableCheckpoint, welcomeFor } from '../../coordinator/index.js';
import { littleEndianBytes } from '../../foundation/littleEndian.js';
import type { WeightsHeader } from './runData.js';

const CHECKPOINTS = ['best', 'last'] as const;
/** Reading a file takes the thread that trains a while; networks for pages are smaller. */
const MOST_BYTES = 64 << 20;
/** Kept at the same time. */
const MOST_FRAMES = 4;

export interface WeightsFrame {
  readonly bytes: Buffer;
  /** Of these bytes: the same weights, written again, have the same. */
  readonly tag: string;
}

interface KnownFrame {
  /** Changes with the file. */
  readonly key: string;
  /** Undefined for a file that cannot be used. */
  readonly frame: Promise<WeightsFrame | undefined>;
}

/** Remembers the last frame of each file, also while it is read: all viewers ask for the same, and it is read once. */
export class CurrentWeights {
  private readonly frames = new Map<string, KnownFrame>();

  /** Undefined for a run without a checkpoint that can be used, or with one that is too large for a page. */
  async read(folder: string): Promise<WeightsFrame | undefined> {
    for (const checkpoint of CHECKPOINTS) {
      const file = path.join(folder, 'checkpoints', `${checkpoint}.safetensors`);
      if (!existsSync(file)) continue;
      const { size, mtimeMs, ino } = statSync(file);
      if (size > MOST_BYTES) continue;
      const frame = await this.frameOf(file, checkpoint, JSON.stringify([size, mtimeMs, ino]));
      if (frame) return frame;
    }
    return undefined;
  }

  private frameOf(file: string, checkpoint: 'best' | 'last', key: string): Promise<WeightsFrame | undefined> {
    const known = this.frames.get(file);
    if (known?.key === key) return known.frame;
    const frame = readFrame(file, checkpoint);
    this.frames.delete(file);
    this.frames.set(file, { key, frame });
    if (this.frames.size > MOST_FRAMES) this.frames.delete(this.frames.keys().next().value!);
    frame.catch(() => this.frames.delete(file)); // it may be readable the next time
    return frame;
  }
}

async function readFrame(file: string, checkpoint: 'best' | 'last'): Promise<WeightsFrame | undefined> {
  try {
    const stored = await readCheckpoint(file);
    const { recipe, state: current, averaged, model, normalisation, progress } = stored;
    const state = evaluatedWeights(recipe.averaging, { current, averaged });
    const { network, mean, standardDeviation, evaluationViews } = welcomeFor({
      ...{ runName: '', model, normalisation, recipe },
    });
    const header: WeightsHeader = {
      ...{ network, mean, standardDeviation, evaluationViews, checkpoint },
      epoch: progress.epoch,
      parameterCount: state.parameters.length,
      statisticCount: state.statistics.length,
    };
    const text = Buffer.from(JSON.stringify(header));
    const padding = Buffer.alloc((4 - (text.length % 4)) % 4, ' ');
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length + padding.length);
    const vectors = [state.parameters, state.statistics].map((vector) => littleEndianBytes(vector));
    const bytes = Buffer.concat([length, text, padding, ...vectors]);
    return { bytes, tag: createHash('sha256').update(bytes).digest('base64url') };
  } catch (error) {
    if (error instanceof UnusableCheckpoint) return undefined;
    throw error;
  }
}
