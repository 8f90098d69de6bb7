/**
 * A live coordinator in the middle of a training, with two honest workers, in a storm of hostile connections: it
 * lives, its memory stays flat, the honest workers notice nothing, and the weights are those of the undisturbed run.
 */

import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import {
  freePort,
  killAll,
  readMetrics,
  readResult,
  run,
  start,
  temporaryFolder,
  until,
  untilListening,
  untilStep,
} from '../integration/support/lockstep.js';
import { printFigures } from './figures.js';
import { median, watchMemory } from './processMemory.js';
import { REPEAT, SEED, VISITS } from './settings.js';
import { storm, totals } from './storm.js';

const TOKEN = 'fuzz-secret-that-must-not-be-seen';
const HONEST = ['honest-a', 'honest-b'];
/** Longer than a busy machine lets a process stand, and shorter than the deaf stay. */
const HEARTBEAT = ['--heartbeat-timeout', '20'];
const RECIPE = [
  ...['--dataset', 'synthetic', '--model', 'resnet8', '--train-limit', '960', '--val-size', '200'],
  ...[
    '--batch-size',
    '48',
    '--micro-batch',
    '16',
    '--schedule',
    'constant',
    '--lr',
    '0.02',
    '--patience',
    '0',
  ],
  ...['--epochs', '100000', '--seed', '7'],
];
/**
 * What the coordinator may grow by, from the least that it held in the first fifth of the time to the least in the last. A
 * leak raises that; garbage not yet collected and connections on their way out, more on a busy machine, do not.
 */
const FLAT_MIB = 64;
/** No single visit, nor all at a time, may cost what a flood of frames or a bomb would. */
const PEAK_MIB = 512;

const folder = temporaryFolder();
afterAll(killAll);

it(`a coordinator outlives ${VISITS} hostile connections in mid-training, and nobody notices`, async () => {
  const runDir = path.join(folder, 'stormy');
  const port = await freePort();
  const secret = { LOCKSTEP_TOKEN: TOKEN };
  const listen = ['--listen', `127.0.0.1:${port}`, '--min-workers', '2', '--run-dir', runDir];
  const coordinator = start(['coordinator', ...RECIPE, ...listen, ...HEARTBEAT], secret);
  await untilListening(coordinator);
  const workers = HONEST.map((name) =>
    start(['worker', `ws://127.0.0.1:${port}`, '--threads', '1', '--name', name, ...HEARTBEAT], secret),
  );
  await untilStep(runDir, 40); // warm: what is compiled and allocated for a training is there
  const stepsBefore = stepsOf(runDir);

  const memory = watchMemory(coordinator.child.pid!);
  const startedMs = performance.now();
  const counts = await storm(
    { host: '127.0.0.1', port, token: TOKEN },
    { seed: SEED, visits: VISITS, atATime: 64 },
  );
  const seconds = (performance.now() - startedMs) / 1000;
  const stepsAfter = stepsOf(runDir);
  await until('the training goes on', () => stepsOf(runDir) > stepsAfter);
  await until('all have gone but the honest', () => attachedIn(runDir) === HONEST.length);
  memory.stop();
  expect(coordinator.child.exitCode).toBeNull();

  const drops = readMetrics(runDir).filter(
    ({ event, node }) => event === 'worker-left' && HONEST.includes(node!),
  );
  // Who does not read does not see the end either: the coordinator tells it.
  const deafReasons = readMetrics(runDir)
    .filter(({ event, node }) => event === 'worker-left' && node!.startsWith('deaf-'))
    .map(({ reason }) => reason);
  const reconnections = workers.flatMap((worker) => worker.output().match(/^not connected.*$/gm) ?? []);
  coordinator.kill('SIGINT');
  const { exitCode, stdout, stderr } = await coordinator.finished;
  const stormy = readResult(runDir);
  killAll();

  const calm = path.join(folder, 'calm');
  const limit = ['--max-steps', String(stormy.stepsCompleted), '--workers', '2', '--run-dir', calm];
  expect((await run(['train', ...RECIPE, ...limit])).exitCode).toBe(0);
  const undisturbed = readResult(calm);

  const { samplesMiB } = memory;
  const part = Math.max(1, Math.floor(samplesMiB.length / 5));
  const figures = {
    seed: SEED,
    ...totals(counts),
    seconds,
    stepsDuringTheStorm: stepsAfter - stepsBefore,
    residentMiB: {
      firstFifth: median(samplesMiB.slice(0, part)),
      lastFifth: median(samplesMiB.slice(-part)),
      leastGrowth: Math.min(...samplesMiB.slice(-part)) - Math.min(...samplesMiB.slice(0, part)),
      peak: Math.max(...samplesMiB),
    },
    honestDrops: drops.length,
    digestEqual: stormy.lastWeightsSha256 === undisturbed.lastWeightsSha256,
    kinds: Object.fromEntries(counts),
  };
  printFigures(
    `live coordinator, seed ${SEED}; repeat with: ${REPEAT}`,
    [
      ['kind', 'connections', 'frames', 'ended by the coordinator'],
      ...[...counts].map(([kind, { connections, frames, endedByCoordinator }]) => [
        kind,
        connections,
        frames,
        endedByCoordinator,
      ]),
    ],
    figures,
  );

  expect(exitCode).toBe(130);
  expect(stderr).toBe('');
  expect(stdout).not.toContain(TOKEN);
  expect(drops).toEqual([]);
  expect(reconnections).toEqual([]);
  expect(figures.stepsDuringTheStorm).toBeGreaterThan(0);
  expect(stormy.lastWeightsSha256).toBe(undisturbed.lastWeightsSha256);
  expect(figures.connections).toBe(VISITS);
  for (const kind of ['slow loris', 'upgraded, then silent']) {
    const count = counts.get(kind);
    expect(count?.endedByCoordinator, kind).toBe(count?.connections);
  }
  // Where too many come and go the log counts them only: those that it does list left for this.
  for (const reason of deafReasons) expect(reason).toMatch(/^no sign of life|^E_LIMIT/);
  if (process.platform === 'linux') {
    const { firstFifth, leastGrowth, peak } = figures.residentMiB;
    expect(leastGrowth).toBeLessThan(FLAT_MIB);
    expect(peak - firstFifth).toBeLessThan(PEAK_MIB);
  }
});

/** Nodes that have come and not gone, one by one or counted. */
function attachedIn(runDir: string): number {
  return readMetrics(runDir).reduce((now, { event, joined = 0, left = 0 }) => {
    if (event === 'worker-joined') return now + 1;
    if (event === 'worker-left') return now - 1;
    return event === 'workers-changed' ? now + joined - left : now;
  }, 0);
}

function stepsOf(runDir: string): number {
  return readMetrics(runDir).filter(({ event }) => event === 'step').length;
}
