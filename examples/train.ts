/**
 * Trains a small network in one process, and stops as Ctrl-C asks: saved, to be resumed.
 *
 *     node train.js [FOLDER OF CIFAR-10]       without a folder: on synthetic images
 */

import { loadCifar10, syntheticData, train } from 'lockstep';

const [folder] = process.argv.slice(2);
const data = folder === undefined ? syntheticData() : await loadCifar10(folder);

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

const result = await train({
  recipe: { model: 'resnet8', epochs: 2, trainLimit: 512, valSize: 256, seed: 7 },
  data,
  workers: 2,
  engine: 'simd', // the same bits on every machine; leave it out to use a GPU if there is one
  signal: stop.signal,
  onEvent: (event) => {
    if (event.event === 'epoch') console.log(`epoch ${event.epoch}: loss ${event.trainLoss.toFixed(3)}`);
    if (event.event === 'notice') console.log(event.message);
  },
});

console.log(`${result.stoppedBy} after ${result.stepsCompleted} steps, in ${result.runDir}`);
console.log(`weights sha256 ${result.weightsSha256}`);
