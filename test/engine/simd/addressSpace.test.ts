import { describe, expect, it } from 'vitest';
import { loadSimd, simdEngine } from '../../../src/engine/simd/index.js';
import { buildModel } from '../../../src/model/index.js';
import { rejectionOf } from '../../support/errors.js';
import { withoutAddressSpace } from '../../support/noAddressSpace.js';

describe('too little address space', () => {
  it('is told from lack of SIMD, with what to do', async () => {
    withoutAddressSpace();
    const found = await simdEngine.availability();
    expect(found).toMatchObject({
      available: false,
      reason: expect.stringContaining('no address space') as string,
      remedy: expect.stringMatching(/ulimit -v.*NODE_OPTIONS=--disable-wasm-trap-handler/) as string,
    });
    await rejectionOf('E_RESOURCES', loadSimd(buildModel('resnet8')));
  });
});
