/** What a soak may do to a run, and how often. Each fault mends itself, and may overlap with the next. */

import { MISDEEDS } from '../faults.js';
import { MisdeedPlan } from '../inject/hostile.js';
import type { NodeBehindProxy, Scene } from '../scene.js';
import type { LockstepProcess } from '../support/lockstepProcess.js';
import { pause } from '../support/within.js';

export interface SoakFault {
  readonly kind: string;
  /** How often, against the others. */
  readonly weight: number;
  /**
   * Resolves when the fault is over and mended. A fault of a node leaves it alone meanwhile for the others.
   * @param tell to be called once, with what the fault has drawn
   */
  readonly strike:
    | { readonly on: 'node'; act(node: NodeBehindProxy, scene: Scene, tell: Tell): Promise<void> }
    | { readonly on: 'run'; act(scene: Scene, tell: Tell): Promise<void> };
  /** Nothing else happens until it is mended. */
  readonly alone?: true;
}

type Tell = (detail: string) => void;

export const SOAK_FAULTS: readonly SoakFault[] = [
  { kind: 'node killed', weight: 5, strike: { on: 'node', act: replaceBy('SIGKILL') } },
  { kind: 'node asked to leave', weight: 2, strike: { on: 'node', act: replaceBy('SIGTERM') } },
  { kind: 'node frozen', weight: 4, strike: { on: 'node', act: freeze } },
  { kind: 'connection cut', weight: 4, strike: { on: 'node', act: cut } },
  { kind: 'connection half-open', weight: 2, strike: { on: 'node', act: swallow } },
  { kind: 'line throttled', weight: 3, strike: { on: 'node', act: throttle } },
  { kind: 'line delayed', weight: 3, strike: { on: 'node', act: delay } },
  { kind: 'hostile node', weight: 5, strike: { on: 'run', act: intrude } },
  { kind: 'crowd comes and goes', weight: 2, strike: { on: 'run', act: crowd } },
  { kind: 'coordinator killed', weight: 3, alone: true, strike: { on: 'run', act: interruptBy('SIGKILL') } },
  { kind: 'coordinator stopped', weight: 1, alone: true, strike: { on: 'run', act: interruptBy('SIGINT') } },
];

export function drawFault({ random }: Scene): SoakFault {
  let ticket = random.nextBelow(SOAK_FAULTS.reduce((sum, { weight }) => sum + weight, 0));
  return SOAK_FAULTS.find(({ weight }) => (ticket -= weight) < 0)!;
}

function replaceBy(signal: NodeJS.Signals) {
  return async ({ name, process }: NodeBehindProxy, scene: Scene, tell: Tell): Promise<void> => {
    tell(name);
    process.kill(signal);
    await process.finished;
    await scene.startNode(name);
  };
}

/** Shorter or longer than the heartbeat allows. */
async function freeze({ name, process }: NodeBehindProxy, scene: Scene, tell: Tell): Promise<void> {
  const durationMs = scene.drawStep(200, 5_000);
  tell(`${name} for ${durationMs} ms`);
  process.kill('SIGSTOP');
  await pause(durationMs);
  process.kill('SIGCONT');
}

function cut({ name, proxy }: NodeBehindProxy, _scene: Scene, tell: Tell): Promise<void> {
  tell(name);
  proxy.cut();
  return Promise.resolve();
}

function swallow({ name, proxy }: NodeBehindProxy, _scene: Scene, tell: Tell): Promise<void> {
  tell(name);
  proxy.swallow();
  return Promise.resolve();
}

async function throttle({ name, proxy }: NodeBehindProxy, scene: Scene, tell: Tell): Promise<void> {
  const bytesPerSecond = 1_000_000 * scene.drawStep(1, 8);
  const durationMs = scene.drawStep(500, 5_000);
  tell(`${name} to ${bytesPerSecond / 1e6} MB/s for ${durationMs} ms`);
  proxy.pace = { bytesPerSecond };
  await pause(durationMs);
  proxy.pace = {};
}

async function delay({ name, proxy }: NodeBehindProxy, scene: Scene, tell: Tell): Promise<void> {
  const upToMs = scene.drawStep(20, 400);
  const durationMs = scene.drawStep(500, 5_000);
  tell(`${name} by up to ${upToMs} ms for ${durationMs} ms`);
  let turn = 0; // not drawn: how often it is asked for is a matter of timing, and would upset what the seed decides
  proxy.pace = { delayMs: () => (upToMs * (turn++ % 5)) / 4 };
  await pause(durationMs);
  proxy.pace = {};
}

/**
 * All but those two whose made-up gradient may, in a run that goes on for so long, come to answer an item that by then is
 * the node's own to answer: a finite lie about that is believed (docs/security.md), and changes the weights.
 */
const MISDEEDS_OF_A_SOAK = MISDEEDS.filter((misdeed) => misdeed !== 'future' && misdeed !== 'foreign');

async function intrude(scene: Scene, tell: Tell): Promise<void> {
  const misdeed = MISDEEDS_OF_A_SOAK[scene.random.nextBelow(MISDEEDS_OF_A_SOAK.length)]!;
  const times = scene.drawStep(1, 4);
  tell(`${misdeed}, ${times} times`);
  const plan = new MisdeedPlan(misdeed, times, 0, scene.random.nextUint32());
  const name = `hostile-${scene.testNodes.length + 1}`;
  const node = scene.addTestNode({ name, tamper: plan.tamper });
  await Promise.race([node.gone(), pause(3_000)]);
  node.vanish();
}

async function crowd(scene: Scene, tell: Tell): Promise<void> {
  const size = scene.drawStep(3, 12);
  const stayMs = scene.drawStep(300, 2_000);
  tell(`${size} nodes for ${stayMs} ms`);
  const nodes = Array.from({ length: size }, () =>
    scene.addTestNode({ name: `crowd-${scene.testNodes.length + 1}` }),
  );
  await pause(stayMs);
  for (const node of nodes) node.vanish();
}

function interruptBy(signal: NodeJS.Signals) {
  return async (scene: Scene, tell: Tell): Promise<void> => {
    const { coordinator } = scene;
    if (isComplete(coordinator)) return;
    tell(`session ${scene.sessions.length}`);
    coordinator.kill(signal);
    await coordinator.finished;
    if (!isComplete(coordinator)) await scene.resume();
  };
}

/** The run is over: all that is left to the coordinator is to end. */
export function isComplete({ seen }: LockstepProcess): boolean {
  return seen.some(({ event }) => event.event === 'run-finished' && event.stoppedBy !== 'signal');
}
