import { afterEach, describe, expect, it, vi } from 'vitest';
import { chooseEngine } from '../../src/engine/choose.js';
import { engineFactory } from '../../src/engine/registry.js';
import type { EngineName } from '../../src/engine/engine.js';
import { rejectionOf } from '../support/errors.js';

afterEach(() => {
  vi.restoreAllMocks();
});

/** From here on the engine says that it cannot run, whatever this machine can do; all others say that they can. */
function onlyWithout(...missing: EngineName[]): void {
  for (const name of ['simd', 'wasm', 'cpu', 'webgpu', 'tensorflow'] as const) {
    vi.spyOn(engineFactory(name), 'availability').mockResolvedValue(
      missing.includes(name)
        ? { available: false, reason: `no ${name}`, remedy: 'get some' }
        : { available: true, detail: name },
    );
  }
}

describe('the engine that is chosen', () => {
  it('is the fastest that is exact, unless one is asked for', async () => {
    onlyWithout();
    expect(await chooseEngine({ engine: 'auto' })).toEqual({ name: 'simd', numerics: 'auto' });
    expect(await chooseEngine({ engine: 'webgpu' })).toMatchObject({ name: 'webgpu' });
    onlyWithout('simd');
    expect(await chooseEngine({ engine: 'auto' })).toMatchObject({ name: 'wasm' });
  });

  it('is never the reference unasked, and each refusal is told', async () => {
    onlyWithout('simd', 'wasm');
    const { message } = await rejectionOf('E_ENGINE_UNAVAILABLE', chooseEngine({ engine: 'auto' }));
    expect(message).toMatch(/simd cannot run here: no simd; get some; engine wasm cannot run here: no wasm/);
    expect(await chooseEngine({ engine: 'cpu' })).toMatchObject({ name: 'cpu' });
  });

  it('is simd or none where its class is asked for', async () => {
    onlyWithout();
    expect(await chooseEngine({ engine: 'auto', numerics: 'simd' })).toEqual({
      name: 'simd',
      numerics: 'simd',
    });
    expect(await chooseEngine({ engine: 'simd', numerics: 'simd' })).toEqual({
      name: 'simd',
      numerics: 'simd',
    });
    onlyWithout('simd');
    const { message } = await rejectionOf(
      'E_ENGINE_UNAVAILABLE',
      chooseEngine({ engine: 'auto', numerics: 'simd' }),
    );
    expect(message).not.toContain('wasm');
  });

  it('is not one that lacks the class asked for', async () => {
    onlyWithout();
    for (const name of ['wasm', 'cpu', 'webgpu', 'tensorflow'] as const) {
      expect(
        (await rejectionOf('E_OPTION', chooseEngine({ engine: name, numerics: 'simd' }))).message,
      ).toContain(name);
    }
  });
});
