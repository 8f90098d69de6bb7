/** Plans and kernels of unusual size compute the right numbers, where there is an adapter. */

import { expect, it } from 'vitest';
import { engineFactory } from '../../../src/engine/registry.js';
import { loadWebgpu } from '../../../src/engine/webgpu/index.js';
import { allocate, KernelSource } from '../../../src/engine/webgpu/kernels/kernelSource.js';
import { initialiseModel } from '../../../src/model/index.js';
import type { Model } from '../../../src/model/index.js';
import { describeOnGpu } from './support.js';
import { KernelRunner } from '../../support/kernelRunner.js';
import { tensorDistances } from '../../support/tensorDistances.js';
import { TINY_MODELS } from '../../support/tinyModels.js';
import { tinyBatch } from '../../engine/engineContract.js';
import { MANY_READERS } from '../../engine/webgpu/manyReaders.js';

const KEY = [5, 6] as const;
const stateOf = (model: Model) => ({ ...initialiseModel(model, 7), version: 1 });

describeOnGpu('sums in several kernels', () => {
  it.each(Object.entries(MANY_READERS))('agree with simd: %s', async (_, model) => {
    const [state, batch] = [stateOf(model), tinyBatch(model, 3)];
    const simd = await engineFactory('simd').load(model);
    const expected = await simd.gradient(state, batch, KEY);
    simd.dispose();
    for (const bindingLimit of [8, 10]) {
      const engine = await loadWebgpu(model, undefined, { bindingLimit });
      try {
        const { gradientSum } = await engine.gradient(state, batch, KEY);
        for (const [name, distance] of tensorDistances(model, gradientSum, expected.gradientSum)) {
          expect(distance, `${name}, ${bindingLimit} bindings`).toBeLessThan(1e-4);
        }
      } finally {
        engine.dispose();
      }
    }
  });
});

describeOnGpu('a kernel of very many workgroups', () => {
  it('runs each of them once', async () => {
    const model = TINY_MODELS['dense alone']!;
    const engine = await loadWebgpu(model);
    const [across, deep] = [70_001, 2];
    await engine.withPlan(stateOf(model), tinyBatch(model, 1), async (_, session) => {
      const runner = new KernelRunner(session);
      const result = allocate('result', across * deep);
      const kernel = new KernelSource();
      kernel.workgroupArray('parts', 2, 'f32');
      const to = kernel.bind(result, 'f32', 'read_write');
      const main = `let at = group.z * ${across}u + group.x;
parts[thread] = f32(at) + f32(thread);
workgroupBarrier();
if (thread == 0u) { ${to}[at] += parts[1]; }`;
      await runner.run([kernel.build({ label: 'many', threads: 2, workgroups: [across, 1, deep], main })]);
      const values = await runner.read(result);
      runner.release();
      expect(values.findIndex((value, at) => value !== at + 1)).toBe(-1);
    });
    engine.dispose();
  });
});
