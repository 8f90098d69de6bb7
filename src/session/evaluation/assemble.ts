/** Puts together what is known of an evaluation: its score, and what its logits tell. */

import type { Evaluation, EvaluationScore } from '../../coordinator/index.js';
import type { ImageSet } from '../../data/index.js';
import { LOCKSTEP_VERSION } from '../../protocol/index.js';
import { calibrationOf, classesOf, confusionOf, judgeImages, worstOf } from './analyse.js';
import type { JudgedImage } from './analyse.js';
import { pictureOf, thumbnailOf } from './pictures.js';

const WORST_IMAGES = 25;

/** What was evaluated, how, and by what. */
export type EvaluationSubject = Pick<
  Evaluation,
  | 'checkpoint'
  | 'dataset'
  | 'model'
  | 'epoch'
  | 'weightsSha256'
  | 'evalStatistics'
  | 'tta'
  | 'engine'
  | 'numericsClass'
>;

/** What evaluation-….json holds (docs/run-folder.md), without the pixels of images. */
export interface Findings extends Omit<Evaluation, 'worstImages'> {
  /** Those of the highest loss, the worst first. */
  readonly worstImages: readonly JudgedImage[];
}

export interface Tested {
  readonly set: ImageSet;
  readonly classNames: readonly string[];
  readonly score: EvaluationScore;
  /** Of all images of the set. */
  readonly logits: Float32Array; // (N, classes)
}

export function findingsOf(subject: EvaluationSubject, { set, classNames, score, logits }: Tested): Findings {
  const images = judgeImages(logits, classNames.length, (index) => set.labelOf(index));
  const confusion = confusionOf(images, classNames.length);
  return {
    ...subject,
    testLoss: score.loss,
    testAccuracy: score.accuracy,
    testSamples: score.samples,
    lockstepVersion: LOCKSTEP_VERSION,
    evaluatedAt: new Date().toISOString(),
    classes: classesOf(confusion, classNames),
    confusion,
    calibration: calibrationOf(images),
    worstImages: worstOf(images, WORST_IMAGES).map((image) => withFile(image, set)),
  };
}

function withFile(image: JudgedImage, set: ImageSet): JudgedImage {
  const file = set.fileOf?.(image.index);
  return file === undefined ? image : { ...image, file };
}

/** For the file: it is to be seen without the data. */
export function withPictures(findings: Findings, set: ImageSet): Evaluation {
  const worstImages = findings.worstImages.map((judged) => ({
    ...judged,
    image: thumbnailOf(pictureOf(set, judged.index)),
  }));
  return { ...findings, worstImages };
}
