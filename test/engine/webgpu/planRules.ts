/** The rules of WebGPU that every dispatch must keep. */

import { expect } from 'vitest';
import type { Dispatch } from '../../../src/engine/webgpu/kernels/kernelSource.js';
import { GUARANTEED_LIMITS } from '../../../src/engine/webgpu/kernels/limits.js';
import type { WorkgroupLimits } from '../../../src/engine/webgpu/kernels/limits.js';

// Guaranteed by WebGPU: https://www.w3.org/TR/webgpu/#limits
const WORKGROUPS = 65_535;

export function expectToKeepTheRules(
  { label, code, bindings, workgroups }: Dispatch,
  bindingLimit: number,
  limits: WorkgroupLimits = GUARANTEED_LIMITS,
): void {
  const arrays = [...code.matchAll(/var<workgroup> \w+: array<vec4f, (\d+)>/g)];
  const vectors = arrays.reduce((total, [, length]) => total + Number(length), 0);
  expect(vectors, label).toBeLessThanOrEqual(limits.vectors);
  const threads = Number(/@workgroup_size\((\d+)\)/.exec(code)?.[1]);
  expect(threads, label).toBeGreaterThan(0);
  expect(threads, label).toBeLessThanOrEqual(limits.threads);
  expect(bindings.length, label).toBeLessThanOrEqual(bindingLimit);
  for (const count of workgroups) {
    const isAllowed = Number.isInteger(count) && count >= 1 && count <= WORKGROUPS;
    expect(isAllowed, `${label}: ${count} workgroups`).toBe(true);
  }
  // One dispatch may not read and write one buffer by different bindings.
  const written = new Set(
    bindings.filter(({ access }) => access === 'read_write').map(({ range }) => range.storage),
  );
  for (const { access, range } of bindings) {
    if (access === 'read') expect(written.has(range.storage), `${label}: ${range.storage.name}`).toBe(false);
  }
}
