/** The images that the evaluations in a run folder get most wrong, as pictures for TensorBoard. */

import { stat } from 'node:fs/promises';
import type { Evaluation } from '../../coordinator/index.js';
import { encodePng } from '../../foundation/png.js';
import { Evaluations } from '../folders/evaluations.js';
import { eventFilesIn } from './eventFiles.js';
import type { PngImage } from './eventMessages.js';

/** TensorBoard shows each in a frame of its own. */
const MOST_IMAGES = 10;

export interface Misclassified {
  readonly timeMs: number;
  readonly epoch: number;
  readonly images: readonly PngImage[];
}

export class MisclassifiedImages {
  private readonly evaluations: Evaluations;

  /** @param sinceMs evaluations up to this time were written before */
  private constructor(
    folder: string,
    private sinceMs: number,
  ) {
    this.evaluations = new Evaluations(folder);
  }

  /** To be called before the event files are changed: an earlier session has written what was there at its end. */
  static async open(folder: string): Promise<MisclassifiedImages> {
    const times = (await eventFilesIn(folder)).map(async (file) => (await stat(file)).mtimeMs);
    return new MisclassifiedImages(folder, Math.max(0, ...(await Promise.all(times))));
  }

  /** The latest evaluation that was not returned before. */
  async next(): Promise<Misclassified | undefined> {
    const [latest] = await this.evaluations.list();
    const evaluation = latest === undefined ? undefined : await this.evaluations.read(latest);
    const timeMs = Date.parse(evaluation?.evaluatedAt ?? '');
    if (!evaluation || !(timeMs > this.sinceMs)) return undefined;
    this.sinceMs = timeMs;
    return { timeMs, epoch: evaluation.epoch, images: imagesOf(evaluation) };
  }
}

function imagesOf({ worstImages, classes }: Evaluation): readonly PngImage[] {
  return worstImages
    .filter(({ label, predicted }) => label !== predicted)
    .slice(0, MOST_IMAGES)
    .flatMap(({ label, predicted, image }, index) => {
      if (!image) return [];
      const { height, width, channels } = image;
      const png = encodePng({ height, width, channels, pixels: Buffer.from(image.pixels, 'base64') });
      const name = `${index + 1} ${classes[label]!.name} taken for ${classes[predicted]!.name}`;
      return [{ tag: `misclassified/${name}`, height, width, channels: channels === 3 ? 3 : 1, png }];
    });
}
