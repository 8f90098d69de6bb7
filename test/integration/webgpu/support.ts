/** Tests of the `webgpu` engine run where there is an adapter, be it in software; elsewhere they say why not. */

import { describe, it } from 'vitest';
import { webgpuEngine } from '../../../src/engine/webgpu/index.js';

const found = await webgpuEngine.availability();

/** A real GPU takes larger tests than one that is emulated on the processor. */
export const isSoftware = found.available && found.isSoftware === true;

export function describeOnGpu(name: string, define: () => void): void {
  if (found.available) {
    describe(`${name} on ${found.deviceName ?? 'an adapter'}`, define);
    return;
  }
  console.warn(`skipped: ${name}: ${found.reason}; ${found.remedy}; or run scripts/setup-swiftshader.sh`);
  describe(name, () => {
    it.skip(`cannot run here: ${found.reason}`);
  });
}
