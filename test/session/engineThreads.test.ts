import { describe, expect, it } from 'vitest';
import { withTuning } from '../../src/session/engineThreads.js';

describe('--no-tune', () => {
  it('is not passed over in silence with an engine that is not tuned', () => {
    const { notice } = withTuning({ name: 'simd' }, { tune: false, cacheFolder: undefined });
    expect(notice).toMatch(/--no-tune has no effect: the engine is simd.*leave it out/);
  });

  it('is heeded with the engine that is tuned, and nothing is said', () => {
    const chosen = { name: 'webgpu', device: '0' } as const;
    expect(withTuning(chosen, { tune: false, cacheFolder: undefined })).toEqual(chosen);
  });
});
