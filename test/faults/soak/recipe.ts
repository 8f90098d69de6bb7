/** A training whose length in steps is fixed before it begins, from how fast this machine is. */

import { Scene } from '../scene.js';
import type { SharedThreads } from '../hostileNode.js';

const TRAINING_SAMPLES = 1536;
const BATCH = 128;
export const STEPS_PER_EPOCH = TRAINING_SAMPLES / BATCH;
const CALIBRATION_EPOCHS = 3;
/** What faults leave of the undisturbed speed, roughly; it decides how long the soak takes, and nothing else. */
const SPEED_UNDER_FAULTS = 0.6;

export function soakRecipe(epochs: number): readonly string[] {
  return [
    ...['--dataset', 'synthetic', '--model', 'resnet8', '--engine', 'simd', '--seed', '1'],
    ...['--train-limit', String(TRAINING_SAMPLES), '--val-size', '400', '--epochs', String(epochs)],
    ...['--batch-size', String(BATCH), '--micro-batch', '32', '--dropout', '0.1'],
    ...['--schedule', 'onecycle', '--lr', '0.05', '--patience', '0', '--checkpoint-every', '10'],
  ];
}

export interface Calibration {
  readonly epochs: number;
  readonly undisturbedStepsPerSecond: number;
}

/** Measures a few undisturbed epochs of the same set-up, and chooses as many as will fill the time under faults. */
export async function calibrate(minutes: number, threads: SharedThreads): Promise<Calibration> {
  const scene = new Scene({
    setUp: 'thread-and-nodes',
    seed: 0,
    threads,
    recipe: soakRecipe(CALIBRATION_EPOCHS),
  });
  try {
    await scene.begin();
    await scene.ended();
    const { seen } = scene.coordinator;
    const epochs = seen.filter(({ event }) => event.event === 'epoch');
    const first = epochs[0]!.atMs; // the first one includes the arrival of the nodes
    const secondsAnEpoch = (epochs.at(-1)!.atMs - first) / 1000 / (epochs.length - 1);
    await scene.dismissNodes();
    return {
      epochs: Math.max(2, Math.round((minutes * 60 * SPEED_UNDER_FAULTS) / secondsAnEpoch)),
      undisturbedStepsPerSecond: STEPS_PER_EPOCH / secondsAnEpoch,
    };
  } finally {
    await scene.close();
  }
}
