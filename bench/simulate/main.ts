/**
 * `npm run bench:simulate`: clusters that fit on this machine, measured and simulated side by side. `--costs` measures what
 * messages cost a coordinator instead, for src/simulate/measuredCosts.ts. Linux only; cases with a rate need root.
 */

import { parseArgs } from 'node:util';
import { buildModel } from '../../src/model/index.js';
import { describeMachine, IdleWatch } from '../machine.js';
import { median } from '../statistics.js';
import { renderTable } from '../table.js';
import { CASES, caseText } from './cases.js';
import type { Case } from './cases.js';
import { measure } from './measured.js';
import type { Figures } from './measured.js';
import { simulate } from './simulated.js';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '1' },
    model: { type: 'string', default: 'resnet20' },
    costs: { type: 'boolean', default: false },
    /** Positions in `CASES`, from 1. */
    cases: { type: 'string' },
  },
});
const [steps, rounds] = [Number(values.steps), Number(values.rounds)];
const print = (text: string): void => void process.stdout.write(`${text}\n`);

async function medians(given: Case, model: string): Promise<Figures> {
  const measured: Figures[] = [];
  for (let round = 0; round < rounds; round++) {
    process.stderr.write(`round ${round + 1} of ${rounds}: ${model}, ${caseText(given)}\n`);
    measured.push(await measure(given, model, steps));
  }
  const of = (key: keyof Figures): number => median(measured.map((figures) => figures[key]));
  return {
    ...{ stepMs: of('stepMs'), processorMs: of('processorMs'), answersPerItem: of('answersPerItem') },
    ...{ bytesIn: of('bytesIn'), bytesOut: of('bytesOut') },
  };
}

async function compare(): Promise<void> {
  const chosen = values.cases?.split(',').map((position) => CASES[Number(position) - 1]!) ?? CASES;
  const rows: string[][] = [];
  for (const given of chosen) {
    const measured = await medians(given, values.model);
    const simulated = await simulate(given, values.model, steps);
    const scaled = await simulate(given, values.model, steps, measured.processorMs);
    rows.push([
      caseText(given),
      measured.stepMs.toFixed(0),
      simulated.stepMs.toFixed(0),
      deviation(simulated.stepMs, measured.stepMs),
      scaled.stepMs.toFixed(0),
      deviation(scaled.stepMs, measured.stepMs),
      ...pair(measured.processorMs, simulated.processorMs, 0),
      ...pair(measured.bytesIn / 1e6, simulated.bytesIn / 1e6, 1),
      ...pair(measured.bytesOut / 1e6, simulated.bytesOut / 1e6, 1),
      ...pair(measured.answersPerItem, simulated.answersPerItem, 2),
    ]);
  }
  const both = (name: string): string[] => [name, 'sim.'];
  const titles = ['CPU ms', 'MB in', 'MB out', 'answers/item'].flatMap(both);
  print(renderTable(['', 'step ms', 'sim.', 'deviation', 'with its CPU', 'deviation', ...titles], rows));
}

const deviation = (simulated: number, measured: number): string =>
  `${(100 * (simulated / measured - 1)).toFixed(1)} %`;
const pair = (one: number, other: number, digits: number): string[] =>
  [one, other].map((value) => (Number.isNaN(value) ? '-' : value.toFixed(digits)));

/** Two networks of different sizes, with one node and with eight: a line through each pair. */
async function costs(): Promise<void> {
  const [few, many, computeMs] = [1, 8, 50];
  for (const model of ['resnet8', 'resnet20'] as const) {
    const { parameterCount, statisticCount } = buildModel(model).layout;
    const megabytes = (4 * (parameterCount + statisticCount)) / 1e6;
    const [one, eight] = [
      (await medians({ nodes: few, computeMs }, model)).processorMs,
      (await medians({ nodes: many, computeMs }, model)).processorMs,
    ];
    const gradientMs = (eight - one) / (many - few);
    print(
      `${model}, ${megabytes.toFixed(2)} MB: ${gradientMs.toFixed(2)} ms a gradient, ${(one - gradientMs).toFixed(2)} ms between steps`,
    );
  }
}

const idle = new IdleWatch();
await idle.probe();
const machine = describeMachine();
await (values.costs ? costs() : compare());
print(
  `\n${machine.processor}, ${machine.cores} cores, Node ${machine.node}, Lockstep ${machine.lockstepCommit ?? machine.lockstepVersion}; ${values.costs ? '' : `${values.model}, `}micro-batches of 8, medians of ${rounds} round(s) of ${steps} steps`,
);
await idle.probe();
for (const warning of idle.warnings()) print(`WARNING: ${warning}`);
