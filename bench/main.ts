/**
 * `npm run bench`: throughput beside PyTorch, memory, where the time goes, what a slow worker costs, wide networks and
 * odd shapes beside PyTorch on one core, and steps of the recipe `fast94` beside its twin. Prints text on
 * standard output and progress on standard error; `--json` writes everything to a file. Compares nothing with a threshold.
 */

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describeMachine, IdleWatch } from './machine.js';
import { measureMemory } from './memory.js';
import type { MemoryResult } from './memory.js';
import { parseOptions } from './options.js';
import type { BenchOptions, Part } from './options.js';
import { findPeer } from './peer.js';
import { measureInTurns } from './turns.js';
import type { TurnsRow } from './turns.js';
import { turnsText } from './turnsReport.js';
import { SHAPE_CASES, WIDE_CASES } from './shapeCases.js';
import type { ShapeCase } from './shapeCases.js';
import type { Peer } from './peer.js';
import { measureRecipeSteps, recipeStepsText } from './recipeSteps.js';
import type { RecipeStepsRow } from './recipeSteps.js';
import { profileModel } from './profile.js';
import type { ModelProfile } from './profile.js';
import {
  engineShareText,
  machineText,
  memoryText,
  profileText,
  stragglerText,
  throughputText,
} from './report.js';
import { measureStragglers } from './straggler.js';
import type { StragglerRow } from './straggler.js';
import { measureThroughput } from './throughput.js';
import type { ThroughputRow } from './throughput.js';

const MEMORY_MODEL = 'resnet32';

interface Measured {
  readonly throughput: readonly ThroughputRow[];
  readonly memory: MemoryResult | undefined;
  readonly profiles: readonly ModelProfile[];
  readonly stragglers: readonly StragglerRow[];
  readonly wide: readonly TurnsRow[];
  readonly shapes: readonly TurnsRow[];
  readonly recipe: readonly RecipeStepsRow[];
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  const startedMs = performance.now();
  const idle = new IdleWatch();
  idle.warnings().forEach(warn);
  const machine = describeMachine();
  const { peer, remark } = await choosePeer(options);
  print(machineText(machine, peer));
  if (remark !== undefined) print(`without PyTorch: ${remark}`);

  const measured = await measure(options, peer, idle);
  for (const line of engineShareText(measured.throughput, measured.profiles)) print(line);
  const wallSeconds = (performance.now() - startedMs) / 1000;
  print(`\n${wallSeconds.toFixed(0)} s in all`);
  idle.warnings().forEach(warn);
  if (options.json === undefined) return;
  // No paths of this machine: the file may be published.
  const { only, models, workers, rounds, steps, gradients, trainSteps, numerics, turnMs } = options;
  await writeJson(options.json, {
    time: new Date().toISOString(),
    wallSeconds,
    machine,
    peer: peer?.description ?? null,
    options: { only, models, workers, rounds, steps, gradients, trainSteps, numerics, turnMs },
    idle: { loadAverageAtStart: idle.loadAverageAtStart, ...idle.report() },
    warnings: idle.warnings(),
    throughput: measured.throughput,
    memory: measured.memory ?? null,
    profiles: measured.profiles,
    stragglers: measured.stragglers,
    wide: measured.wide,
    shapes: measured.shapes,
    recipe: measured.recipe,
  });
}

/** Prints each part as soon as it is measured. */
async function measure(options: BenchOptions, peer: Peer | undefined, idle: IdleWatch): Promise<Measured> {
  const wanted = (part: Part): boolean => options.only.includes(part);
  const throughput = wanted('throughput') ? await measureThroughput(options, peer, idle, say) : [];
  if (throughput.length > 0) print(`\n${throughputText(throughput, options)}`);
  const memory = wanted('memory') ? await measureMemory(MEMORY_MODEL, options, idle, say) : undefined;
  if (memory) print(`\n${memoryText(memory, options.rounds)}`);
  const profiles: ModelProfile[] = [];
  for (const model of wanted('profile') ? options.models : []) {
    await idle.probe();
    say(`profile of ${model}`);
    const profile = await profileModel(model, options.numerics);
    profiles.push(profile);
    print(`\n${profileText(profile)}`);
  }
  const stragglers = wanted('straggler') ? await measureStragglers(say) : [];
  if (stragglers.length > 0) print(`\n${stragglerText(stragglers)}`);
  const wide = wanted('wide') ? await measureCases(WIDE_CASES, options, peer) : [];
  if (wide.length > 0) print(`\n${turnsText('Wide networks', wide, options)}`);
  const shapes = wanted('shapes') ? await measureCases(SHAPE_CASES, options, peer) : [];
  if (shapes.length > 0) print(`\n${turnsText('Shapes of layers', shapes, options)}`);
  const recipe = wanted('recipe') ? await measureRecipeSteps(options, peer, idle, say) : [];
  if (recipe.length > 0) print(`\n${recipeStepsText(recipe, options)}`);
  return { throughput, memory, profiles, stragglers, wide, shapes, recipe };
}

async function measureCases(
  cases: readonly ShapeCase[],
  { rounds, turnMs, cases: wanted }: BenchOptions,
  peer: Peer | undefined,
): Promise<TurnsRow[]> {
  const rows: TurnsRow[] = [];
  for (const one of cases.filter(({ name }) => name.includes(wanted))) {
    const row = await measureInTurns(one, { rounds, turnMs, python: peer?.python });
    say(
      `${row.name}: ${row.ratio === null ? 'no peer' : `${row.ratio.toFixed(2)} times as fast as PyTorch`}`,
    );
    rows.push(row);
  }
  return rows;
}

async function choosePeer({ peer, python, only }: BenchOptions): Promise<{ peer?: Peer; remark?: string }> {
  if (!(['throughput', 'wide', 'shapes', 'recipe'] as const).some((each) => only.includes(each))) return {};
  if (peer === false) return { remark: '--no-peer' };
  const search = await findPeer(peer, python);
  return 'found' in search ? { peer: search.found } : { remark: search.missing };
}

async function writeJson(file: string, content: object): Promise<void> {
  await mkdir(path.dirname(path.resolve(file)), { recursive: true });
  await writeFile(file, `${JSON.stringify(content, null, 2)}\n`);
}

function print(text: string): void {
  console.log(text);
}

function say(message: string): void {
  console.error(`  ${message}`);
}

function warn(message: string): void {
  console.error(`warning: ${message}`);
}

await main();
