/** Counts what a micro-batch costs a GPU: kernels, bytes, memory. Needs no GPU. */

import { DeviceLayout } from '../src/engine/webgpu/plan/deviceLayout.js';
import { planPass } from '../src/engine/webgpu/plan/devicePlan.js';
import { assignBuffers } from '../src/engine/webgpu/plan/memory.js';
import { buildModel } from '../src/model/index.js';
import { sum } from './statistics.js';

const FLOAT_BYTES = 4;
/** As on real GPUs; with fewer, gradients of batch normalisation are stored, not computed when they are read. */
const BINDING_LIMIT = 10;

export interface GpuCounts {
  readonly model: string;
  readonly microBatch: number;
  readonly dispatches: number;
  /** Of one forward pass with running statistics, as in validation. */
  readonly evaluationDispatches: number;
  /** Shaders to compile. */
  readonly kernels: number;
  /** Uploaded and downloaded for each micro-batch. */
  readonly uploadBytes: number;
  readonly readBackBytes: number;
  /** Uploaded for each new version of the weights. */
  readonly parameterBytes: number;
  /** Buffers on the device. */
  readonly memoryBytes: number;
}

export function countGpuWork(name: string, microBatch: number): GpuCounts {
  const model = buildModel(name);
  const layout = new DeviceLayout(model);
  const common = {
    model,
    layout,
    imageCount: microBatch,
    bindingLimit: BINDING_LIMIT,
    inputKind: 'pixels',
  } as const;
  const plan = planPass({ ...common, kind: 'training' });
  const shared = new Set([layout.parameters.storage, layout.runningCoefficients.storage]);
  return {
    model: name,
    microBatch,
    dispatches: plan.dispatches.length,
    evaluationDispatches: planPass({ ...common, kind: 'running' }).dispatches.length,
    kernels: new Set(plan.dispatches.map(({ code }) => code)).size,
    uploadBytes: plan.input.whole.length * FLOAT_BYTES,
    readBackBytes: sum(plan.outputs.map(({ length }) => length)) * FLOAT_BYTES,
    parameterBytes: layout.parameters.length * FLOAT_BYTES,
    memoryBytes: sum(assignBuffers(plan, shared).lengths) * FLOAT_BYTES,
  };
}
