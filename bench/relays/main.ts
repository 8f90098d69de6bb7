/**
 * `npm run bench:relays`: what the coordinator pays for many simulated nodes on a star, and for the same nodes behind relays,
 * in turns. One real coordinator, real relays; the nodes answer at once, without an engine. Linux only: it reads /proc.
 *
 *     npm run bench:relays -- --nodes 256 --relays 16 --steps 10 --rounds 2
 */

import { parseArgs } from 'node:util';
import { CoordinatorProcess } from '../load/coordinatorProcess.js';
import { NodeProcesses } from '../load/nodeProcesses.js';
import { processorTime } from '../load/processFigures.js';
import { describeMachine } from '../machine.js';
import { median, sum } from '../statistics.js';
import { renderTable } from '../table.js';
import { RelayProcess } from './relayProcess.js';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '256' },
    relays: { type: 'string', default: '16' },
    steps: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '2' },
    model: { type: 'string', default: 'resnet20' },
  },
});
const [nodes, relays, steps, rounds] = [values.nodes, values.relays, values.steps, values.rounds].map(
  Number,
) as [number, number, number, number];

const WARM_UP_STEPS = 3;
const MICRO_BATCH = 8;
const PROCESSES = 4;
/** More steps than are ever measured: the run is ended when the last figure has been read. */
const STEPS_TO_SPARE = 100_000;
const IMAGES = 50_000;
/** /metrics is collected once a second at most. */
const METRICS_MS = 1_100;

interface Figures {
  readonly stepSeconds: number;
  readonly coordinatorMs: number;
  readonly relaysMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

async function measure(relayCount: number): Promise<Figures> {
  const coordinator = new CoordinatorProcess({
    ...{ model: values.model, minWorkers: nodes, batchSize: nodes * MICRO_BATCH, microBatch: MICRO_BATCH },
    ...{ steps: STEPS_TO_SPARE, images: IMAGES, profileFolder: undefined },
  });
  const simulated = new NodeProcesses(PROCESSES);
  const processes: RelayProcess[] = [];
  try {
    const url = await coordinator.url();
    for (let index = 0; index < relayCount; index++) processes.push(new RelayProcess(url, `relay ${index}`));
    const doors = relayCount === 0 ? [url] : await Promise.all(processes.map((relay) => relay.url));
    for (const [index, door] of doors.entries()) {
      await simulated.attach(door, Math.floor((nodes + index) / doors.length));
    }
    await coordinator.step(WARM_UP_STEPS);
    const look = async (): Promise<readonly number[]> => {
      const [bytesIn, bytesOut, done] = await metricsOf(url);
      const relaysMs = sum(processes.map(({ pid }) => total(processorTime(pid))));
      return [total(processorTime(coordinator.pid)), relaysMs, bytesIn, bytesOut, done, performance.now()];
    };
    const before = await look();
    await coordinator.step(before[4]! + steps);
    await new Promise((resolve) => setTimeout(resolve, METRICS_MS));
    const after = await look();
    const [coordinatorMs, relaysMs, bytesIn, bytesOut, done, elapsedMs] = after.map(
      (value, index) => value - before[index]!,
    ) as [number, number, number, number, number, number];
    return {
      ...{ stepSeconds: elapsedMs / 1000 / done, coordinatorMs: coordinatorMs / done },
      ...{ relaysMs: relaysMs / done, bytesIn: bytesIn / done, bytesOut: bytesOut / done },
    };
  } finally {
    simulated.end();
    for (const relay of processes) relay.end();
    coordinator.end();
  }
}

const total = ({ userMs, systemMs }: ReturnType<typeof processorTime>): number => userMs + systemMs;

/** Bytes from and to all nodes of the coordinator, and steps done. */
async function metricsOf(url: string): Promise<[number, number, number]> {
  const text = await (await fetch(`${url.replace(/^ws/, 'http')}/metrics`)).text();
  const all = (name: string): number =>
    sum(
      [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].map(([, value]) =>
        Number(value),
      ),
    );
  return [
    all('lockstep_node_received_bytes_total'),
    all('lockstep_node_sent_bytes_total'),
    all('lockstep_step'),
  ];
}

const shapes = [0, relays];
const measured = new Map<number, Figures[]>(shapes.map((count) => [count, []]));
for (let round = 0; round < rounds; round++) {
  for (const count of round % 2 === 0 ? shapes : [...shapes].reverse()) {
    process.stderr.write(`round ${round + 1} of ${rounds}: ${count === 0 ? 'a star' : `${count} relays`}\n`);
    measured.get(count)!.push(await measure(count));
  }
}
const machine = describeMachine();
const version = machine.lockstepCommit ?? machine.lockstepVersion;
process.stdout.write(
  `${machine.processor}, ${machine.cores} cores, Node ${machine.node}, Lockstep ${version}; ${values.model}, ${nodes} nodes, ` +
    `micro-batch ${MICRO_BATCH}, medians of ${rounds} round(s) of ${steps} steps\n\n`,
);
const HEADINGS = ['', 's/step', 'coordinator, ms/step', 'relays, ms/step', 'MB/step in', 'MB/step out'];
process.stdout.write(
  `${renderTable(
    HEADINGS,
    [...measured].map(([count, figures]) => {
      const of = (key: keyof Figures): number => median(figures.map((each) => each[key]));
      return [
        count === 0 ? 'a star' : `${count} relays`,
        of('stepSeconds').toFixed(2),
        of('coordinatorMs').toFixed(0),
        of('relaysMs').toFixed(0),
        (of('bytesIn') / 1e6).toFixed(1),
        (of('bytesOut') / 1e6).toFixed(1),
      ];
    }),
  )}\n`,
);
