/** Computes jobs by the very modules of the engines: in a Worker of a page, and by `simd` in Node for comparison. */

import type { Engine } from '../../../../src/engine/engine.js';
import { loadSimd } from '../../../../src/engine/simd/index.js';
import { PageGpu } from '../../../../src/engine/webgpu/pages.js';
import { bytesOf, floatsOf, toBase64 } from './job.js';
import type { Answer, Job } from './job.js';

export async function compute(job: Job): Promise<Answer> {
  const { name, dropoutKey } = job;
  const engine = await engineOf(job);
  const state = { parameters: floatsOf(job.parameters), statistics: floatsOf(job.statistics), version: 1 };
  const batch = { images: floatsOf(job.images), labels: bytesOf(job.labels) };
  const gradient = await engine.gradient(state, batch, dropoutKey);
  const evaluation = await engine.evaluate(state, batch, 'running');
  engine.dispose();
  return {
    name,
    numericsClass: engine.description.numericsClass,
    losses: toBase64(Float64Array.of(gradient.lossSum, evaluation.lossSum)),
    gradientSum: toBase64(gradient.gradientSum),
    batchStatistics: toBase64(gradient.batchStatistics),
    logits: toBase64(evaluation.logits),
  };
}

function engineOf({ engine = 'simd', model, numerics }: Job): Promise<Engine> {
  if (engine === 'simd') return loadSimd(model, { numerics });
  const { navigator } = globalThis as { readonly navigator?: Partial<NavigatorGPU> };
  return new PageGpu(navigator?.gpu).load(model);
}
