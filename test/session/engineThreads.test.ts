import { describe, expect, it } from 'vitest';
import { sentenceInFlags } from '../../src/cli/options/inFlags.js';
import { inProgram } from '../../src/library/words.js';
import { withTuning } from '../../src/session/engineThreads.js';

describe('--no-tune', () => {
  it('is not passed over in silence with an engine that is not tuned', () => {
    const { notice } = withTuning({ name: 'simd' }, { tune: false, cacheFolder: undefined });
    expect(sentenceInFlags(notice!)).toMatch(/--no-tune has no effect: the engine is simd.*leave it out/);
    expect(inProgram(notice!)).toMatch(/^tune: false has no effect/);
  });

  it('is heeded with the engine that is tuned, and nothing is said', () => {
    const chosen = { name: 'webgpu', device: '0' } as const;
    expect(withTuning(chosen, { tune: false, cacheFolder: undefined })).toEqual(chosen);
  });
});
