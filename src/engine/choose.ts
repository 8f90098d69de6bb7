/** Turns the engine name that a user gives into an engine that runs. */

import { LockstepError } from '../foundation/errors.js';
import type { Sentence } from '../foundation/options/optionError.js';
import { advice, OptionError } from '../foundation/options/optionError.js';
import type { Model } from '../model/index.js';
import type { Engine, EngineAvailability, EngineName, Numerics, Precision, Tuning } from './engine.js';
import { engineFactory } from './registry.js';
import { missingEnvironment } from './tfjs/environment.js';

/** Which engine a worker computes with; survives structured cloning. */
export interface EngineChoice {
  readonly name: EngineName;
  /** For `simd`: its fastest class on this host, or the one without fused multiply-add, which every host has. */
  readonly numerics?: Numerics;
  /** For engines with several devices: the one to open, as its factory names it. */
  readonly device?: string;
  /** For engines that can be tuned to a device; no tuning if left out. */
  readonly tuning?: Tuning;
  /** For `webgpu`: the number format of convolutions' operands; float32 if left out. */
  readonly precision?: Precision;
}

/** A choice, and what the user should know about it. */
export type ChosenEngine = EngineChoice & { readonly notice?: Sentence };

/**
 * The order in which `auto` tries engines: the fastest first. A GPU that is emulated on the processor is chosen only on
 * request, and so is `cpu`, a reference.
 */
const AUTO_ORDER: readonly EngineName[] = ['webgpu', 'simd', 'wasm'];
/** The same if a class of `simd` was requested: another engine would give other bits. */
const AUTO_ORDER_OF_SIMD: readonly EngineName[] = ['simd'];
/** The engine that `--device` and `--precision f16` apply to. */
const ENGINE_OF_DEVICES: EngineName = 'webgpu';

/** What the user asked for. */
interface EngineRequest {
  readonly engine: EngineName | 'auto';
  readonly numerics: Numerics;
  readonly device: string | undefined;
  readonly precision: Precision;
}

/**
 * @param engine an engine's name, or `auto`
 * @param numerics `simd` is refused with an engine that has no such class; with `auto` only the engine that has it is tried
 * @param device index or name of a GPU; with `auto` only the engine with several devices is tried
 * @param precision the same, if it is `f16`
 * @throws LockstepError E_OPTION for options that contradict each other, or a device name that matches none or several;
 * E_ENGINE_UNAVAILABLE, with the remedy, if the requested engine cannot run here, or none can
 */
export async function chooseEngine(
  engine: EngineName | 'auto',
  numerics: Numerics = 'auto',
  device?: string,
  precision: Precision = 'f32',
): Promise<ChosenEngine> {
  const request: EngineRequest = { engine, numerics, device, precision };
  refuseContradictions(request);
  const reasons: string[] = [];
  for (const factory of candidatesFor(request).map(engineFactory)) {
    const found = await factory.availability(device);
    if (!found.available) {
      refuseOptionsOf(factory.name, request, found);
      reasons.push(`engine ${factory.name} cannot run here: ${found.reason}; ${found.remedy}`);
      continue;
    }
    const isAsked = engine !== 'auto' || device !== undefined || precision !== 'f32';
    if (found.isSoftware === true && !isAsked) continue;
    const choice = { name: factory.name, numerics, ...(precision === 'f32' ? {} : { precision }) };
    if (factory.name === 'tensorflow') return { ...choice, ...environmentNotice() };
    if (found.device === undefined) return choice;
    return { ...choice, device: found.device, ...noticeOf(factory.name, found, isAsked) };
  }
  throw new LockstepError('E_ENGINE_UNAVAILABLE', reasons.join('; '));
}

function candidatesFor({ engine, numerics, device, precision }: EngineRequest): readonly EngineName[] {
  if (engine !== 'auto') return [engine];
  if (device !== undefined || precision !== 'f32') return [ENGINE_OF_DEVICES];
  return numerics === 'simd' ? AUTO_ORDER_OF_SIMD : AUTO_ORDER;
}

/** Who asked for an engine by one of its options is told of the option. */
function refuseOptionsOf(
  name: EngineName,
  { engine, device, precision }: EngineRequest,
  { reason, remedy }: Extract<EngineAvailability, { available: false }>,
): void {
  if (engine !== 'auto' || name !== ENGINE_OF_DEVICES) return;
  const asked = [
    ...(device === undefined ? [] : [{ option: 'device', value: device }]),
    ...(precision === 'f32' ? [] : [{ option: 'precision', value: precision }]),
  ];
  const [first, second] = asked;
  if (first === undefined) return;
  throw new OptionError(
    [
      first,
      ...(second === undefined ? [' needs'] : [' and ', second, ' need']),
      ` engine ${name}, which cannot run here: ${reason}`,
    ],
    [
      { kind: 'other', text: remedy },
      second === undefined
        ? { kind: 'leave-out', option: first.option }
        : { kind: 'other', text: 'leave both out' },
    ],
    'E_ENGINE_UNAVAILABLE',
  );
}

const ONE_OF_THEM = advice('leave one of them out');

function refuseContradictions({ engine, numerics, device, precision }: EngineRequest): void {
  if (numerics === 'simd' && engine !== 'auto' && engine !== 'simd') {
    throw new OptionError(
      [
        { option: 'numerics', value: 'simd' },
        ' is a class of ',
        { option: 'engine', value: 'simd' },
        `, and the engine is ${engine}`,
      ],
      [ONE_OF_THEM],
    );
  }
  if (numerics !== 'simd' && (engine === 'auto' || engine === ENGINE_OF_DEVICES)) return;
  const other =
    numerics === 'simd' ? { option: 'numerics', value: numerics } : { option: 'engine', value: engine };
  const refuse = (...what: Sentence): never => {
    throw new OptionError(
      [...what, ' for ', { option: 'engine', value: ENGINE_OF_DEVICES }, ', and ', other, ' was given'],
      [ONE_OF_THEM],
    );
  };
  if (device !== undefined) refuse({ option: 'device', value: device }, ' picks a GPU');
  if (precision !== 'f32') refuse({ option: 'precision', value: precision }, ' is');
}

/** What a user would not expect: an emulated GPU, or an engine without promised bits that was not requested. */
function noticeOf(
  name: EngineName,
  { deviceName, isSoftware }: Extract<EngineAvailability, { available: true }>,
  isAsked: boolean,
): { notice?: Sentence } {
  if (isSoftware === true) {
    return {
      notice: [
        `${deviceName} emulates a GPU on the processor: `,
        { option: 'engine', value: 'simd' },
        ' is far faster',
      ],
    };
  }
  if (isAsked) return {};
  return {
    notice: [
      `engine ${name} on ${deviceName}, found by `,
      { option: 'engine', value: 'auto' },
      '; its bits are not promised: for a run that is the same to the last bit use ',
      { option: 'engine', value: 'simd' },
    ],
  };
}

/** A program that uses the library sets TensorFlow's variables itself, or forgets to. */
function environmentNotice(): { notice?: Sentence } {
  const missing = missingEnvironment();
  if (missing.length === 0) return {};
  return {
    notice: [
      `engine tensorflow runs without ${missing.join(', ')} in the environment: it may add in other orders from run to run, and take all of a GPU's memory; set TENSORFLOW_ENVIRONMENT of the library before Node starts`,
    ],
  };
}

/** @throws LockstepError E_ENGINE_UNAVAILABLE with the remedy */
export function loadEngine(
  { name, numerics, device, tuning, precision }: EngineChoice,
  model: Model,
): Promise<Engine> {
  return engineFactory(name).load(model, numerics, device, tuning, precision);
}
