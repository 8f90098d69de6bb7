/** `lockstep engines`: what this machine can train with, each measured for a moment. */

import type { Command } from 'commander';
import { ENGINE_FACTORIES, PRECISIONS } from '../../engine/index.js';
import type { EngineFactory, Precision } from '../../engine/index.js';
import { describeError } from '../../foundation/errors.js';
import { MODEL_NAMES } from '../../model/index.js';
import { ComputePool } from '../../worker/index.js';
import { cacheFolder } from '../process/cacheFolder.js';
import { measureEngine, valueParser } from '../../session/index.js';
import { print, printJson } from '../process/terminal.js';

interface RawOptions {
  readonly model: string;
  readonly microBatch: number;
  readonly seconds: number;
  readonly precision: Precision;
  readonly json: boolean;
}

type EngineLine =
  | { readonly engine: string; readonly available: false; readonly reason: string; readonly remedy: string }
  | {
      readonly engine: string;
      readonly available: true;
      readonly device: string;
      readonly numericsClass: string;
      readonly exact: boolean;
      readonly versions: Readonly<Record<string, string>>;
      readonly imagesPerSecond: number;
      readonly measuredImages: number;
      /** Every device that the engine could use, and by which `--device` names it. */
      readonly devices?: readonly string[];
    };

export function addEnginesCommand(program: Command): void {
  const command = program
    .command('engines')
    .description('list what this machine can train with, with measured images/s of one worker')
    .option(
      '--model <name>',
      `network to measure with: ${MODEL_NAMES.join(', ')}`,
      valueParser('--model', { kind: 'choice', of: MODEL_NAMES }, 'resnet8'),
      'resnet8',
    )
    .option(
      '--micro-batch <n>',
      'samples of one gradient',
      valueParser('--micro-batch', { kind: 'integer', min: 1, max: 4096 }, '32'),
      32,
    )
    .option(
      '--seconds <n>',
      'time to spend on each',
      valueParser('--seconds', { kind: 'number', above: 0, below: 600 }, '2'),
      2,
    )
    .option(
      '--precision <type>',
      `operands of convolutions, for the engine that has a choice: ${PRECISIONS.join(', ')}`,
      valueParser('--precision', { kind: 'choice', of: PRECISIONS }, 'f32'),
      'f32',
    )
    .option('--json', 'print one JSON object an engine', false);
  command.action(async () => {
    const options = command.opts<RawOptions>();
    if (!options.json) print(`${options.model}, micro-batch ${options.microBatch}, one worker`);
    for (const factory of ENGINE_FACTORIES) {
      const line = await inspect(factory, options);
      if (options.json) printJson(line);
      else print(textOf(line));
    }
  });
}

async function inspect(factory: EngineFactory, options: RawOptions): Promise<EngineLine> {
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
    const measured = await measureEngine(pool, options);
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
    return { engine, available: false, reason: describeError(error), remedy: 'choose another engine' };
  } finally {
    await pool.close();
  }
}

function textOf(line: EngineLine): string {
  const name = line.engine.padEnd(11);
  if (!line.available) return `${name} not available: ${line.reason}\n${' '.repeat(12)}${line.remedy}`;
  const speed = `${line.imagesPerSecond.toPrecision(3)} images/s`.padStart(16);
  return `${name} ${speed}  ${line.device}; numerics class ${line.numericsClass}, ${line.exact ? 'exact' : 'not exact'}${(line.devices ?? []).map((device) => `\n${' '.repeat(12)}--device ${device}`).join('')}`;
}
