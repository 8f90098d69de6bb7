/** Workers that stand still for a while, or most of the time, and then go on as if nothing had been. */

import type { Fault } from '../faults.js';
import { PASS } from '../proxy.js';
import type { Proxy } from '../proxy.js';
import type { NodeBehindProxy, Scene } from '../scene.js';
import { asksFor, isResultOf } from '../support/matching.js';
import { untilTrue, within } from '../support/within.js';
import { EARLIEST, LATEST, signalEveryone } from './strike.js';

type Of<Kind extends Fault['kind']> = Extract<Fault, { kind: Kind }>;

/**
 * What the victim has not begun when it freezes, being busy with something else, it forgets when it thaws: another has
 * answered. Then the next item is tried.
 */
export async function freezeWorker(scene: Scene): Promise<void> {
  await scene.begin();
  const victim = scene.node('victim');
  const redone = answersOf(scene.node('steady').proxy);
  let step = scene.drawStep(EARLIEST, LATEST);
  while (!(await freezeAt(step, victim, redone))) step++;
}

/** @returns whether the victim's own answer came late; it did not, if it answers of a later step instead */
async function freezeAt(
  earliestStep: number,
  { proxy, process }: NodeBehindProxy,
  redone: ReadonlySet<string>,
): Promise<boolean> {
  const { message } = await proxy.once('work', asksFor(earliestStep), () => {
    process.kill('SIGSTOP');
    return PASS;
  });
  if (message?.type !== 'work') throw new Error('the frame was no work');
  const { step, microBatch } = message;
  // Maybe it was before the victim was asked: it is, if this is a repetition.
  await untilTrue(`another has answered item ${microBatch}`, () => redone.has(nameOf(message)));
  const [isLate, isOfLaterStep] = [isResultOf(step, microBatch), isResultOf(step + 1)];
  const next = proxy.once('the late answer', (piece) => isLate(piece) || isOfLaterStep(piece));
  process.kill('SIGCONT');
  return isLate(await next);
}

/** The items that a node answers from now on. */
function answersOf(proxy: Proxy): ReadonlySet<string> {
  const answered = new Set<string>();
  proxy.watch(({ from, message }) => {
    if (from === 'node' && message?.type === 'result') answered.add(nameOf(message));
    return undefined;
  });
  return answered;
}

function nameOf({ step, microBatch }: { readonly step: number; readonly microBatch: number }): string {
  return `${step}/${microBatch}`;
}

/** Nobody is left who could redo the work: the run stands until the silent are given up, and come back. */
export async function freezeWorkersLong(scene: Scene): Promise<void> {
  await scene.begin();
  await signalEveryone(scene, 'SIGSTOP');
  await scene.coordinator.until(
    'both are given up',
    ({ event, ...more }) => event === 'worker-left' && 'workersNow' in more && more.workersNow === 0,
  );
  for (const { process } of scene.nodes) process.kill('SIGCONT');
}

const TURN_MS = 100;

/** Lets the process run for 1/factor of the time, in short turns, until the run is over. */
export async function slowWorker(scene: Scene, { factor }: Of<'worker-slow'>): Promise<void> {
  await scene.begin();
  const { process } = scene.node('victim');
  await scene.coordinator.untilStep(1);
  let running = true;
  let timer: NodeJS.Timeout;
  const turn = (): void => {
    running = !running;
    process.kill(running ? 'SIGCONT' : 'SIGSTOP');
    timer = setTimeout(turn, running ? TURN_MS / factor : TURN_MS - TURN_MS / factor);
  };
  timer = setTimeout(turn, 0);
  await within('the run to end', scene.coordinator.finished).finally(() => {
    clearTimeout(timer);
    process.kill('SIGCONT');
  });
}
