/** `lockstep engines`: what this machine can train with, each measured for a moment. */

import type { Command } from 'commander';
import { RECIPE_OPTIONS } from '../../coordinator/index.js';
import { cacheFolder, ENGINE_FACTORIES, PRECISIONS } from '../../engine/index.js';
import type { EngineFactory } from '../../engine/index.js';
import { errorText } from '../options/inFlags.js';
import { number, variant } from '../../foundation/options/definition.js';
import type { ValuesOf } from '../../foundation/options/definition.js';
import { PRESETS_TEXT } from '../../model/index.js';
import type { Model } from '../../model/index.js';
import { ComputePool, ItemTimeoutError } from '../../worker/index.js';
import { ENGINE_SETTINGS, jsonSetting, measureEngine, requestNetwork } from '../../session/index.js';
import type { MeasureOptions } from '../../session/index.js';
import { entriesOf } from '../options/optionTable.js';
import { declareOptions, readNetwork } from '../options/trainingOptions.js';
import { print, printJson } from '../process/terminal.js';

const ENGINES_SETTINGS = {
  model: variant(RECIPE_OPTIONS.model, {
    default: 'resnet8',
    help: `network to measure with: ${PRESETS_TEXT}; or a JSON file`,
  }),
  microBatch: variant(RECIPE_OPTIONS.microBatch, { default: 32, help: 'samples of one gradient' }),
  seconds: number({
    group: 'Engine',
    placeholder: 'n',
    above: 0,
    below: 600,
    default: 2,
    help: 'time to spend on each',
  }),
  precision: variant(ENGINE_SETTINGS.precision, {
    default: 'f32',
    help: `operands of convolutions, for the engine that has a choice: ${PRECISIONS.join(', ')}`,
  }),
  json: jsonSetting('print one JSON object an engine'),
};

type RawOptions = ValuesOf<typeof ENGINES_SETTINGS>;

/** Or why it could not be measured. */
type Speed =
  | { readonly imagesPerSecond: number; readonly measuredImages: number }
  | { readonly imagesPerSecond: null; readonly reason: string; readonly remedy: string };

export type EngineLine =
  | { readonly engine: string; readonly available: false; readonly reason: string; readonly remedy: string }
  | (Speed & {
      readonly engine: string;
      readonly available: true;
      readonly device: string;
      readonly numericsClass: string;
      readonly exact: boolean;
      readonly versions: Readonly<Record<string, string>>;
      /** Every device that the engine could use, and by which `--device` names it. */
      readonly devices?: readonly string[];
    });

export function addEnginesCommand(program: Command): void {
  const command = program
    .command('engines')
    .description('list what this machine can train with, with measured images/s of one worker');
  declareOptions(command, entriesOf(ENGINES_SETTINGS));
  command.action(async () => {
    const options = command.opts<RawOptions>();
    const { model } = requestNetwork(readNetwork(options.model), 0);
    if (!options.json) print(`${model.name}, micro-batch ${options.microBatch}, one worker`);
    for (const factory of ENGINE_FACTORIES) {
      const line = await inspect(factory, model, options);
      if (options.json) printJson(line);
      else print(textOf(line));
    }
  });
}

async function inspect(factory: EngineFactory, model: Model, options: RawOptions): Promise<EngineLine> {
  const { name: engine } = factory;
  const { precision } = options;
  if (precision !== 'f32' && engine !== 'webgpu') {
    const reason = `it has no --precision ${precision}`;
    return { engine, available: false, reason, remedy: 'leave --precision out' };
  }
  const availability = await factory.availability();
  if (!availability.available) return { engine, ...availability };
  const { device: chosen, devices } = availability;
  const device = chosen === undefined ? {} : { device: chosen };
  const folder = cacheFolder();
  const tuning = folder === undefined ? {} : { tuning: { cacheFolder: folder, mayMeasure: false } };
  const pool = new ComputePool({ name: engine, ...device, precision, ...tuning }, 1);
  try {
    const { numericsClass, exact, versions, ...described } = await pool.describe();
    const measured = await measureInTime(pool, { ...options, model });
    return {
      engine,
      available: true,
      device: described.device,
      numericsClass,
      exact,
      versions,
      ...measured,
      ...(devices && { devices }),
    };
  } catch (error) {
    return { engine, available: false, reason: errorText(error), remedy: 'choose another engine' };
  } finally {
    await pool.close();
  }
}

/** An engine that is too slow for the moment is available all the same. */
export async function measureInTime(pool: ComputePool, options: MeasureOptions): Promise<Speed> {
  try {
    return await measureEngine(pool, options);
  } catch (error) {
    if (!(error instanceof ItemTimeoutError)) throw error;
    return {
      imagesPerSecond: null,
      reason: `the measurement ran out of time: one gradient was not finished after ${Math.round(error.afterMs / 1000)} s`,
      remedy: 'try again when the machine is less busy, or use a faster engine',
    };
  }
}

export function textOf(line: EngineLine): string {
  const name = line.engine.padEnd(11);
  const indent = ' '.repeat(12);
  if (!line.available) return `${name} not available: ${line.reason}\n${indent}${line.remedy}`;
  if (line.imagesPerSecond === null) return `${name} available, ${line.reason}\n${indent}${line.remedy}`;
  const speed = `${line.imagesPerSecond.toPrecision(3)} images/s`.padStart(16);
  return `${name} ${speed}  ${line.device}; numerics class ${line.numericsClass}, ${line.exact ? 'exact' : 'not exact'}${(line.devices ?? []).map((device) => `\n${indent}--device ${device}`).join('')}`;
}
