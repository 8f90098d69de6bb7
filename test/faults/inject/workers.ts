/** Faults of worker processes. Each waits for a point in the conversation that its proxy sees, and acts there. */

import type { Fault } from '../faults.js';
import { PASS } from '../proxy.js';
import type { Proxy } from '../proxy.js';
import type { NodeBehindProxy, Scene } from '../scene.js';
import { asksFor, isResultOf } from '../support/matching.js';
import { untilBusy } from '../support/processTime.js';
import { untilTrue, within } from '../support/within.js';
import { EARLIEST, holdingSteady, LATEST, signalEveryone } from './strike.js';

type Of<Kind extends Fault['kind']> = Extract<Fault, { kind: Kind }>;

export async function killWorker(scene: Scene, { when }: Of<'worker-killed'>): Promise<void> {
  await scene.begin();
  const victim = scene.node('victim');
  await killAt(victim, when, scene.drawStep(EARLIEST, LATEST));
  await within('the victim to die', victim.process.finished);
}

export async function killWorkerTwice(scene: Scene): Promise<void> {
  await scene.begin();
  await holdingSteady(scene, EARLIEST + 4, async (first) => {
    await killAt(first, 'during', scene.drawStep(EARLIEST, EARLIEST + 3));
    await within('the victim to die', first.process.finished);
    const second = await scene.startNode('victim');
    await killAt(second, 'before', EARLIEST + 4);
    await within('the victim to die again', second.process.finished);
  });
}

export async function killWorkerValidating(scene: Scene): Promise<void> {
  await scene.begin();
  const { proxy, process } = scene.node('victim');
  await proxy.once(
    'a chunk to evaluate',
    ({ message }) => message?.type === 'evaluate',
    () => {
      process.kill('SIGKILL');
      return PASS;
    },
  );
  await within('the victim to die', process.finished);
}

async function killAt(
  { proxy, process }: NodeBehindProxy,
  when: 'before' | 'during' | 'after',
  step: number,
): Promise<void> {
  switch (when) {
    case 'before':
      await proxy.once(`work of step ${step}`, asksFor(step), () => {
        process.kill('SIGKILL');
        return PASS;
      });
      return;
    case 'during':
      return killDuring({ proxy, process }, step);
    case 'after':
      await proxy.once(`a result of step ${step}`, isResultOf(step));
      process.kill('SIGKILL');
  }
}

/** Its thread has used the processor since the work came, and no answer has come: else the next item is tried. */
async function killDuring(
  { proxy, process }: Pick<NodeBehindProxy, 'proxy' | 'process'>,
  step: number,
): Promise<void> {
  for (let next = step; ; next++) {
    await proxy.once(`work of step ${next}`, asksFor(next));
    const answers = countResults(proxy);
    await untilBusy(process.pid, () => answers.count > 0);
    answers.stop();
    if (answers.count > 0) continue;
    process.kill('SIGKILL');
    return;
  }
}

function countResults(proxy: Proxy): { readonly count: number; readonly stop: () => void } {
  let count = 0;
  const stop = proxy.watch(({ from, message }) => {
    if (from === 'node' && message?.type === 'result') count++;
    return undefined;
  });
  return {
    get count() {
      return count;
    },
    stop,
  };
}

/**
 * The other node's answers are held until the victim has handed in: else, on a machine that gives the victim no time, the
 * other would redo its work, and the victim would be let go, rightly, with nothing to hand in.
 */
export async function drainWorker(scene: Scene): Promise<void> {
  await scene.begin();
  const { proxy, process } = scene.node('victim');
  const step = scene.drawStep(EARLIEST, LATEST);
  const handedIn = proxy.once('what was begun, handed in', isResultOf(step));
  scene.node('steady').proxy.holdUntil(handedIn, isResultOf(step));
  await proxy.once('work', asksFor(step));
  process.kill('SIGTERM');
  await handedIn;
  const { exitCode } = await within('the victim to leave', process.finished);
  if (exitCode !== 143) throw new Error(`the victim left with ${exitCode}, not 143`);
}

export async function loseEveryoneAndComeBack(scene: Scene): Promise<void> {
  await scene.begin();
  await signalEveryone(scene, 'SIGKILL');
  await scene.coordinator.until(
    'it waits for somebody',
    (event) => event.event === 'waiting' && event.reason.includes('none attached'),
  );
  await scene.startNode('victim');
  await scene.startNode('steady');
}

/** Many nodes come at once, in mid-step; in a leave storm they hang up at once, too, with work in their hands. */
export async function storm(scene: Scene, { kind, nodes }: Of<'join-storm' | 'leave-storm'>): Promise<void> {
  await scene.begin();
  scene.addTestNode({ name: 'guest' });
  await scene.coordinator.untilStep(scene.drawStep(1, EARLIEST));
  let holding = 0;
  const crowd = Array.from({ length: nodes }, (_, index) =>
    scene.addTestNode({
      name: `crowd-${index + 1}`,
      // In a leave storm they take work and keep it, so that there is something to lose.
      tamper: (message) => {
        if (kind === 'join-storm' || message.type !== 'result') return [message];
        holding++;
        return [];
      },
    }),
  );
  const come = new Set<string>();
  await scene.coordinator.until('all have come', (event) => {
    if (event.event === 'worker-joined' && event.node.startsWith('crowd')) come.add(event.node);
    return come.size === nodes;
  });
  if (kind === 'join-storm') return;
  await untilTrue('some hold work', () => holding > 0 || scene.coordinator.ended);
  for (const node of crowd) node.vanish();
  await scene.coordinator.until(
    'the crowd leaves',
    (event) => event.event === 'worker-left' && event.node.startsWith('crowd'),
  );
}
