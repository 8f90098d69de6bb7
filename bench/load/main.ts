/**
 * `npm run bench:load`: simulated nodes on one real coordinator, beside the limits of loopback. Prints text on standard
 * output and progress on standard error; `--json` writes everything to a file. Linux only: it reads /proc.
 */

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buildModel, isPresetName } from '../../src/model/index.js';
import { describeMachine, IdleWatch } from '../machine.js';
import { measureBareWebSocket } from './bareWebSocket.js';
import { measureIdleMemory } from './idleMemory.js';
import { measureLoopback } from './loopback.js';
import { measureLoad } from './measure.js';
import { parseOptions } from './options.js';
import { loadTable, memoryLines } from './report.js';
import type { LoadRow } from './report.js';

const LOOPBACK_MS = 2_000;

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  const { nodes, rounds, model } = options;
  if (!isPresetName(model)) throw new Error(`there is no model ${model}`);
  const { parameterCount, statisticCount } = buildModel(model).layout;
  const idle = new IdleWatch();
  const machine = describeMachine();
  const idleMemory = await measureIdleMemory(
    [...nodes].sort((a, b) => a - b),
    model,
  );
  const rows = nodes.map((count) => ({ nodes: count, rounds: [] as LoadRow['rounds'][number][] }));
  for (let round = 1; round <= rounds; round++) {
    for (const row of rows) {
      await idle.probe();
      process.stderr.write(`round ${round} of ${rounds}: ${row.nodes} nodes\n`);
      const frameBytes = 4 * (parameterCount + statisticCount);
      const loopback = await measureLoopback(frameBytes, LOOPBACK_MS);
      const bareMs = await measureBareWebSocket({
        ...{ connections: row.nodes, frameBytes, warmUpRounds: options.warmUpSteps, rounds: options.steps },
        processes: Math.min(options.processes, row.nodes),
      });
      row.rounds.push({ loopback, bareMs, figures: await measureLoad(row.nodes, options) });
    }
  }
  const warnings = idle.warnings();
  print(
    `${machine.processor}, ${machine.cores} cores, Node ${machine.node}, Lockstep ${machine.lockstepCommit ?? machine.lockstepVersion}`,
  );
  print(
    `${model}: ${parameterCount} parameters, micro-batch ${options.microBatch}, ${options.steps} steps, medians of ${rounds} round(s)\n`,
  );
  print(loadTable(rows));
  for (const line of memoryLines(rows, idleMemory)) print(line);
  for (const row of rows) {
    const lost = row.rounds.flatMap(({ figures }) => figures.lost);
    if (lost.length > 0)
      print(`WARNING: of ${row.nodes} nodes, ${lost.length} connection(s) were lost: ${lost[0]}`);
  }
  for (const warning of warnings) print(`WARNING: ${warning}`);
  if (options.json === undefined) return;
  await mkdir(path.dirname(path.resolve(options.json)), { recursive: true });
  const { json: _file, profile: _folder, ...settings } = options; // no paths of this machine in it
  const report = {
    time: new Date().toISOString(),
    machine,
    options: settings,
    idle: idle.report(),
    warnings,
    idleMemory,
    rows,
  };
  await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

await main();
