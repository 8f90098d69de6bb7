/** From the name that a user gives to an engine that runs. */

import { LockstepError } from '../foundation/errors.js';
import type { Model } from '../model/index.js';
import type { Engine, EngineName } from './engine.js';
import { ENGINE_FACTORIES, engineFactory } from './registry.js';
import { loadSimd } from './simd/index.js';

/** Which engine a worker computes with; survives structured cloning. */
export interface EngineChoice {
  readonly name: EngineName;
  /** For `simd`: its fastest class here, or the one without fused multiply-add, which every host has. */
  readonly numerics?: Numerics;
}

export const NUMERICS = ['auto', 'simd'] as const;
export type Numerics = (typeof NUMERICS)[number];

/** The order in which `auto` looks: what is fastest first. `cpu` is a reference, and never chosen unasked. */
const AUTO_ORDER: readonly EngineName[] = ['simd', 'wasm'];

/**
 * @param requested an engine's name, or `auto`
 * @param numerics `simd` is refused with an engine that has no such class
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
  const candidates =
    requested === 'auto'
      ? AUTO_ORDER.flatMap((name) => ENGINE_FACTORIES.filter((factory) => factory.name === name))
      : [engineFactory(requested)];
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
  return name === 'simd'
    ? loadSimd(model, { numerics: numerics ?? 'auto' })
    : engineFactory(name).load(model);
}
