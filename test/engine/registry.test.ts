import { describe, expect, it } from 'vitest';
import { ENGINE_NAMES } from '../../src/engine/engine.js';
import { ENGINE_FACTORIES, engineFactory } from '../../src/engine/registry.js';
import { TINY_MODELS } from '../support/tinyModels.js';

describe('the registry of engines', () => {
  it('finds every engine that it lists by its name', () => {
    for (const factory of ENGINE_FACTORIES) {
      expect(ENGINE_NAMES).toContain(factory.name);
      expect(engineFactory(factory.name)).toBe(factory);
    }
    expect(new Set(ENGINE_FACTORIES.map(({ name }) => name)).size).toBe(ENGINE_FACTORIES.length);
  });

  it.each(ENGINE_FACTORIES)(
    '$name loads where it says it can, else names reason and remedy',
    async (factory) => {
      const found = await factory.availability();
      const load = factory.load(TINY_MODELS.relu!);
      if (found.available) {
        expect(found.detail).not.toBe('');
        (await load).dispose();
        return;
      }
      expect(found.reason).not.toBe('');
      await expect(load).rejects.toMatchObject({
        code: 'E_ENGINE_UNAVAILABLE',
        message: expect.stringContaining(found.remedy) as string,
      });
    },
  );
});
