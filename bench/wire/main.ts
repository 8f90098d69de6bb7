/**
 * `npm run bench:wire`: the time and the bytes of a step over slow links, by `--wire`, in turns. One real coordinator and real
 * workers, each behind a link of its own.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { WIRE_FORMATS } from '../../src/foundation/wire/format.js';
import type { WireFormat } from '../../src/foundation/wire/format.js';
import { LockstepProcess } from '../lockstepProcess.js';
import { describeMachine } from '../machine.js';
import { modelName, positive } from '../optionValues.js';
import { median, sum } from '../statistics.js';
import { summariseSteps } from '../stepLines.js';
import { renderTable } from '../table.js';
import { slowLink } from './slowLink.js';

interface Options {
  readonly model: string;
  readonly workers: number;
  readonly threads: number;
  readonly steps: number;
  readonly rounds: number;
  readonly mbit: number;
  readonly roundTripMs: number;
}

const options = new Command('npm run bench:wire --')
  .description('time and bytes of a step over slow links, by the form of the gradients')
  .option('--model <name>', 'network', modelName, 'resnet20')
  .option('--workers <n>', 'worker processes', positive, 2)
  .option('--threads <n>', 'threads of each', positive, 1)
  .option('--steps <n>', 'measured steps', positive, 10)
  .option('--rounds <n>', 'turns', positive, 2)
  .option('--mbit <n>', 'rate of each link, each way', positive, 10)
  .option('--round-trip-ms <ms>', 'there and back', positive, 40)
  .parse()
  .opts<Options>();

const WARM_UP_STEPS = 3;
const GLOBAL_BATCH = 128;
const MICRO_BATCH = 32;

interface Figures {
  readonly stepMs: number;
  /** Of all workers, a step. */
  readonly bytesUp: number;
  readonly bytesDown: number;
}

async function measure(wire: WireFormat, megabitPerSecond: number | undefined): Promise<Figures> {
  const folder = mkdtempSync(path.join(tmpdir(), 'lockstep-wire-'));
  const runDir = path.join(folder, 'run');
  const coordinator = new LockstepProcess(['coordinator', ...flagsOf(wire, runDir)]);
  const oneWayMs = megabitPerSecond === undefined ? 0 : options.roundTripMs / 2;
  const workers: LockstepProcess[] = [];
  try {
    const { url } = await coordinator.first('listening');
    const links = await Promise.all(
      Array.from({ length: options.workers }, () =>
        slowLink(Number(new URL(url).port), { megabitPerSecond, oneWayMs }),
      ),
    );
    for (const { port } of links) {
      workers.push(
        new LockstepProcess(['worker', `ws://127.0.0.1:${port}`, '--threads', String(options.threads)]),
      );
    }
    const bytes = (): readonly [number, number] => [
      sum(links.map(({ bytesUp }) => bytesUp)),
      sum(links.map(({ bytesDown }) => bytesDown)),
    ];
    await coordinator.first('step', ({ step }) => step === WARM_UP_STEPS);
    const before = bytes();
    await coordinator.first('step', ({ step }) => step === WARM_UP_STEPS + options.steps);
    const after = bytes();
    await coordinator.ended;
    for (const link of links) link.close();
    const { medianStepMs } = summariseSteps(
      await readFile(path.join(runDir, 'metrics.jsonl'), 'utf8'),
      WARM_UP_STEPS,
    );
    return {
      stepMs: medianStepMs,
      bytesUp: (after[0] - before[0]) / options.steps,
      bytesDown: (after[1] - before[1]) / options.steps,
    };
  } finally {
    for (const each of [coordinator, ...workers]) each.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

function flagsOf(wire: WireFormat, runDir: string): readonly string[] {
  const steps = WARM_UP_STEPS + options.steps;
  return [
    ...['--model', options.model, '--dataset', 'synthetic', '--val-size', '0', '--wire', wire],
    ...['--train-limit', String((steps + 1) * GLOBAL_BATCH), '--max-steps', String(steps)],
    ...['--batch-size', String(GLOBAL_BATCH), '--micro-batch', String(MICRO_BATCH)],
    ...['--listen', '127.0.0.1:0', '--min-workers', String(options.workers * options.threads)],
    ...['--checkpoint-every', '1000000', '--json', '--run-dir', runDir],
  ];
}

const CASES = [options.mbit, undefined].flatMap((mbit) => WIRE_FORMATS.map((wire) => ({ mbit, wire })));
const measured = CASES.map((): Figures[] => []);
for (let round = 0; round < options.rounds; round++) {
  const order = [...CASES.entries()];
  for (const [index, { mbit, wire }] of round % 2 === 0 ? order : order.reverse()) {
    process.stderr.write(`round ${round + 1} of ${options.rounds}: ${wire}, ${linkName(mbit)}\n`);
    measured[index]!.push(await measure(wire, mbit));
  }
}

function linkName(mbit: number | undefined): string {
  return mbit === undefined ? 'loopback' : `${mbit} Mbit/s, ${options.roundTripMs} ms`;
}

const machine = describeMachine();
process.stdout.write(
  `${machine.processor}, ${machine.cores} cores, Node ${machine.node}, ` +
    `Lockstep ${machine.lockstepCommit ?? machine.lockstepVersion}; ${options.model}, ${options.workers} worker(s) of ` +
    `${options.threads} thread(s), ${GLOBAL_BATCH / MICRO_BATCH} micro-batches of ${MICRO_BATCH}, ` +
    `medians of ${options.rounds} round(s) of ${options.steps} steps\n\n`,
);
process.stdout.write(
  `${renderTable(
    ['link of each worker', '--wire', 'ms/step', 'MB/step from workers', 'MB/step to workers'],
    CASES.map(({ mbit, wire }, index) => {
      const of = (key: keyof Figures): number => median(measured[index]!.map((figures) => figures[key]));
      const megabytes = (key: keyof Figures): string => (of(key) / 1e6).toFixed(2);
      return [linkName(mbit), wire, of('stepMs').toFixed(0), megabytes('bytesUp'), megabytes('bytesDown')];
    }),
  )}\n`,
);
