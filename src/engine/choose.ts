/** From the name that a user gives to an engine that runs. */

import { LockstepError } from '../foundation/errors.js';
import type { Model } from '../model/index.js';
import type { Engine, EngineName } from './engine.js';
import { ENGINE_FACTORIES, engineFactory } from './registry.js';

/** Which engine a worker computes with; survives structured cloning. */
export interface EngineChoice {
  readonly name: EngineName;
}

/** The order in which `auto` looks: what is fastest first. `cpu` is a reference, and never chosen unasked. */
const AUTO_ORDER: readonly EngineName[] = ['simd', 'wasm'];

/**
 * @param requested an engine's name, or `auto`
 * @throws LockstepError E_ENGINE_UNAVAILABLE if the one asked for, or every one, cannot run here, with the remedy
 */
export async function chooseEngine(requested: EngineName | 'auto'): Promise<EngineChoice> {
  const candidates =
    requested === 'auto'
      ? AUTO_ORDER.flatMap((name) => ENGINE_FACTORIES.filter((factory) => factory.name === name))
      : [engineFactory(requested)];
  const reasons: string[] = [];
  for (const factory of candidates) {
    const availability = await factory.availability();
    if (availability.available) return { name: factory.name };
    reasons.push(`engine ${factory.name} cannot run here: ${availability.reason}; ${availability.remedy}`);
  }
  throw new LockstepError('E_ENGINE_UNAVAILABLE', reasons.join('; '));
}

/** @throws LockstepError E_ENGINE_UNAVAILABLE with the remedy */
export function loadEngine({ name }: EngineChoice, model: Model): Promise<Engine> {
  return engineFactory(name).load(model);
}
