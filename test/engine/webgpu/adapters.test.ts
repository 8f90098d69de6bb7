import { describe, expect, it } from 'vitest';
import { bestAdapter, isHidden, pickAdapter } from '../../../src/engine/webgpu/dawn/adapters.js';
import type { AdapterDescription } from '../../../src/engine/webgpu/dawn/adapters.js';
import { LockstepError } from '../../../src/foundation/errors.js';

function adapter(index: number, name: string, isSoftware = false): AdapterDescription {
  const info = { vendor: 'v', architecture: '', device: '', description: '' };
  return { index, backend: 'vulkan', name, isSoftware, ...info };
}

const SOFTWARE = adapter(0, 'SwiftShader Device (Subzero)', true);
const SMALL = adapter(1, 'NVIDIA T4');
const LARGE = adapter(2, 'NVIDIA T4 Ti');
const ALL = [SOFTWARE, SMALL, LARGE];

function refusal(request: string): string {
  try {
    pickAdapter(ALL, request);
  } catch (error) {
    if (error instanceof LockstepError && error.code === 'E_OPTION') return error.message;
  }
  throw new Error(`${request} was not refused`);
}

describe('--device', () => {
  it('takes an index, a name, or a part that only one name has', () => {
    expect(pickAdapter(ALL, '0')).toBe(SOFTWARE);
    expect(pickAdapter(ALL, 'nvidia t4')).toBe(SMALL);
    expect(pickAdapter(ALL, 'Ti')).toBe(LARGE);
    expect(pickAdapter(ALL, ' swiftshader ')).toBe(SOFTWARE);
  });

  it('refuses what none or several match, with the list', () => {
    expect(refusal('radeon')).toMatch(
      /device radeon matches none .*0: Swift.*software.*; 1: NVIDIA T4 .*GPU/,
    );
    expect(refusal('nvidia')).toMatch(/device nvidia matches several .*1: NVIDIA T4 .*; 2: NVIDIA T4 Ti/);
    expect(refusal('3')).toContain('matches none');
    expect(refusal('')).toContain('matches none');
  });
});

describe('adapters', () => {
  it('a real one is better than software', () => {
    expect(bestAdapter(ALL)).toBe(SMALL);
    expect(bestAdapter([SOFTWARE])).toBe(SOFTWARE);
  });

  it('one that has the name of an earlier one cannot be reached', () => {
    const twin = adapter(3, 'NVIDIA T4');
    expect([...ALL, twin].map((each) => isHidden(each, [...ALL, twin]))).toEqual([false, false, false, true]);
  });
});
