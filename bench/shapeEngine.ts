/**
 * One side of the turns in turns.ts: engine `simd` on one thread. Reads a case from the file that is named, then answers each
 * line of standard input, a number of milliseconds, with the processor times of the gradients it computed meanwhile.
 */

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { loadSimd } from '../src/engine/simd/index.js';
import { initialiseModel, networkFrom } from '../src/model/index.js';
import type { ShapeCase } from './shapeCases.js';
import { MICRO_BATCHES_PER_STEP, syntheticBatch } from './syntheticBatch.js';

const { network, images } = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as ShapeCase;
const model = networkFrom(network, 'shape');
const state = initialiseModel(model, 1);
const batch = syntheticBatch(model, images);
const engine = await loadSimd(model, { numerics: 'auto' });
let gradients = 0;

for await (const line of createInterface({ input: process.stdin })) {
  const times: number[] = [];
  const end = performance.now() + Number(line);
  do {
    const version = Math.floor(gradients++ / MICRO_BATCHES_PER_STEP);
    const before = process.cpuUsage();
    await engine.gradient({ ...state, version }, batch, [1, 2]);
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1000);
  } while (performance.now() < end);
  const { description, arenaBytes } = engine;
  console.log(JSON.stringify({ milliseconds: times, as: description.numericsClass, bytes: arenaBytes }));
}
engine.dispose();
