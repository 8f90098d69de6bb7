import { afterEach, describe, expect, it, vi } from 'vitest';
import { BY_KEY, sentenceText } from '../../src/foundation/options/optionError.js';
import type { Sentence } from '../../src/foundation/options/optionError.js';
import { chooseEngine } from '../../src/engine/choose.js';
import { engineFactory } from '../../src/engine/registry.js';
import { TENSORFLOW_ENVIRONMENT } from '../../src/engine/tfjs/environment.js';
import type { EngineName } from '../../src/engine/engine.js';
import { rejectionOf } from '../support/errors.js';

afterEach(() => {
  vi.restoreAllMocks();
});

/** From here on these engines say that they cannot run, whatever this machine can do; all others say that they can. */
function onlyWithout(...missing: EngineName[]): void {
  for (const name of ['simd', 'wasm', 'cpu', 'webgpu', 'tensorflow'] as const) {
    vi.spyOn(engineFactory(name), 'availability').mockResolvedValue(
      missing.includes(name)
        ? { available: false, reason: `no ${name}`, remedy: 'get some' }
        : { available: true, detail: name },
    );
  }
}

/** From here on there is a GPU, or software that emulates one. */
function withGpu(isSoftware: boolean): void {
  onlyWithout();
  vi.spyOn(engineFactory('webgpu'), 'availability').mockImplementation((device = 'best') =>
    Promise.resolve({
      available: true,
      detail: 'GPU',
      device: `key of ${device}`,
      deviceName: 'GPU',
      isSoftware,
    }),
  );
}

function textOf(notice: Sentence | undefined): string | undefined {
  return notice && sentenceText(notice, BY_KEY);
}

describe('the engine that is chosen', () => {
  it('is simd where there is no GPU, unless another is asked for', async () => {
    onlyWithout('webgpu');
    expect(await chooseEngine('auto')).toEqual({ name: 'simd', numerics: 'auto' });
    expect(await chooseEngine('tensorflow')).toMatchObject({ name: 'tensorflow' });
    onlyWithout('webgpu', 'simd');
    expect(await chooseEngine('auto')).toMatchObject({ name: 'wasm' });
  });

  it('is a GPU where there is one, and the user is told what that costs', async () => {
    withGpu(false);
    const choice = await chooseEngine('auto');
    expect(choice).toMatchObject({ name: 'webgpu', device: 'key of best' });
    expect(textOf(choice.notice)).toMatch(/bits are not promised.*engine simd/);
    expect((await chooseEngine('webgpu')).notice).toBeUndefined();
    expect(await chooseEngine('auto', 'simd')).toMatchObject({ name: 'simd' });
  });

  it('is tensorflow with a notice where the variables of its library are not set', async () => {
    onlyWithout();
    for (const [name, value] of Object.entries(TENSORFLOW_ENVIRONMENT)) vi.stubEnv(name, value);
    expect((await chooseEngine('tensorflow')).notice).toBeUndefined();
    vi.stubEnv('TF_DETERMINISTIC_OPS', undefined);
    expect(textOf((await chooseEngine('tensorflow')).notice)).toMatch(
      /without TF_DETERMINISTIC_OPS in the environment/,
    );
    vi.unstubAllEnvs();
  });

  it('is never an emulated GPU unasked, and when asked for says so', async () => {
    withGpu(true);
    expect(await chooseEngine('auto')).toEqual({ name: 'simd', numerics: 'auto' });
    expect(textOf((await chooseEngine('webgpu')).notice)).toMatch(/emulates a GPU/);
    const picked = await chooseEngine('auto', 'auto', '0');
    expect(picked).toMatchObject({ name: 'webgpu', device: 'key of 0' });
  });

  it('has devices only where it is webgpu', async () => {
    withGpu(false);
    for (const [engine, numerics] of [
      ['simd', 'auto'],
      ['auto', 'simd'],
    ] as const) {
      const { message } = await rejectionOf('E_OPTION', chooseEngine(engine, numerics, '0'));
      expect(message).toMatch(/device 0 .*engine webgpu.*simd/);
    }
  });

  it('has half precision only where it is webgpu', async () => {
    withGpu(false);
    const choice = await chooseEngine('auto', 'auto', undefined, 'f16');
    expect(choice).toMatchObject({ name: 'webgpu', precision: 'f16' });
    expect(choice.notice).toBeUndefined();
    for (const [engine, numerics] of [
      ['simd', 'auto'],
      ['tensorflow', 'auto'],
      ['auto', 'simd'],
    ] as const) {
      const { message } = await rejectionOf('E_OPTION', chooseEngine(engine, numerics, undefined, 'f16'));
      expect(message).toMatch(/precision f16 is for engine webgpu, and .*(simd|tensorflow) was given/);
    }
    onlyWithout('webgpu');
  });

  it.each([
    [undefined, 'f16', 'precision f16 needs engine webgpu', 'leave precision out'],
    ['0', 'f32', 'device 0 needs engine webgpu', 'leave device out'],
    ['0', 'f16', 'device 0 and precision f16 need engine webgpu', 'leave both out'],
  ] as const)(
    'names what was asked for where webgpu cannot run: %s %s',
    async (device, precision, problem, remedy) => {
      onlyWithout('webgpu');
      const { message } = await rejectionOf(
        'E_ENGINE_UNAVAILABLE',
        chooseEngine('auto', 'auto', device, precision),
      );
      expect(message).toBe(`${problem}, which cannot run here: no webgpu; get some, or ${remedy}`);
      const byName = await rejectionOf(
        'E_ENGINE_UNAVAILABLE',
        chooseEngine('webgpu', 'auto', device, precision),
      );
      expect(byName.message).toBe('engine webgpu cannot run here: no webgpu; get some');
    },
  );

  it('is never the reference unasked, and each refusal is told', async () => {
    onlyWithout('webgpu', 'simd', 'wasm');
    const { message } = await rejectionOf('E_ENGINE_UNAVAILABLE', chooseEngine('auto'));
    expect(message).toMatch(/simd cannot run here: no simd; get some; engine wasm cannot run here: no wasm/);
    expect(await chooseEngine('cpu')).toMatchObject({ name: 'cpu' });
  });

  it('is simd or none where its class is asked for', async () => {
    onlyWithout();
    expect(await chooseEngine('auto', 'simd')).toEqual({
      name: 'simd',
      numerics: 'simd',
    });
    expect(await chooseEngine('simd', 'simd')).toEqual({
      name: 'simd',
      numerics: 'simd',
    });
    onlyWithout('simd');
    const { message } = await rejectionOf('E_ENGINE_UNAVAILABLE', chooseEngine('auto', 'simd'));
    expect(message).not.toContain('wasm');
  });

  it('is not one that lacks the class asked for', async () => {
    onlyWithout();
    for (const name of ['wasm', 'cpu', 'webgpu', 'tensorflow'] as const) {
      expect((await rejectionOf('E_OPTION', chooseEngine(name, 'simd'))).message).toContain(name);
    }
  });
});
