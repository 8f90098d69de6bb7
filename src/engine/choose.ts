/** From the name that a user gives to an engine that runs. */

import { LockstepError } from '../foundation/errors.js';
import type { Model } from '../model/index.js';
import type { Engine, EngineName, Numerics } from './engine.js';
import { engineFactory } from './registry.js';

/** Which engine a worker computes with; survives structured cloning. */
export interface EngineChoice {
  readonly name: EngineName;
  /** For `simd`: its fastest class here, or the one without fused multiply-add, which every host has. */
  readonly numerics?: Numerics;
}

/** The order in which `auto` looks: what is fastest first. `cpu` is a reference, and never chosen unasked. */
const AUTO_ORDER: readonly EngineName[] = ['simd', 'wasm'];
/** The same where a class of `simd` was asked for: another engine would not have the bits that were meant. */
const AUTO_ORDER_OF_SIMD: readonly EngineName[] = ['simd'];

/**
 * @param requested an engine's name, or `auto`
 * @param numerics `simd` is refused with an engine that has no such class, and keeps `auto` to the one that has
 * @throws LockstepError E_OPTION for that, E_ENGINE_UNAVAILABLE if the one asked for, or every one, cannot run here, with the remedy
 */
export async function chooseEngine(
  requested: EngineName | 'auto',
  numerics: Numerics = 'auto',
): Promise<EngineChoice> {
  if (numerics === 'simd' && requested !== 'auto' && requested !== 'simd') {
    throw new LockstepError(
      'E_OPTION',
      `--numerics simd is a class of --engine simd, and the engine is ${requested}; leave one of them out`,
    );
  }
  const automatic = numerics === 'simd' ? AUTO_ORDER_OF_SIMD : AUTO_ORDER;
  const candidates = (requested === 'auto' ? automatic : [requested]).map(engineFactory);
  const reasons: string[] = [];
  for (const factory of candidates) {
    const availability = await factory.availability();
    if (availability.available) return { name: factory.name, numerics };
    reasons.push(`engine ${factory.name} cannot run here: ${availability.reason}; ${availability.remedy}`);
  }
  throw new LockstepError('E_ENGINE_UNAVAILABLE', reasons.join('; '));
}

/** @throws LockstepError E_ENGINE_UNAVAILABLE with the remedy */
export function loadEngine({ name, numerics }: EngineChoice, model: Model): Promise<Engine> {
  return engineFactory(name).load(model, numerics);
}
