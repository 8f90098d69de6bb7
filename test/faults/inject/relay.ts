/** Faults of a relay, which is the victim: to the coordinator it is a node like another. */

import type { Fault } from '../faults.js';
import type { Scene } from '../scene.js';
import { PASS } from '../proxy.js';
import { asksFor } from '../support/matching.js';
import { within } from '../support/within.js';
import { freezeWorker } from './frozenWorkers.js';
import { cutNetwork, nodeIsBack } from './network.js';
import { EARLIEST, holdingSteady, LATEST } from './strike.js';
import { killWorker } from './workers.js';

export function harmRelay(scene: Scene, { harm }: Extract<Fault, { kind: 'relay' }>): Promise<void> {
  switch (harm) {
    case 'killed':
      return killWorker(scene, { kind: 'worker-killed', when: 'before' });
    case 'restarted':
      return restartRelay(scene);
    case 'frozen':
      return freezeWorker(scene);
    case 'cut':
      return cutNetwork(scene);
  }
}

async function restartRelay(scene: Scene): Promise<void> {
  await scene.begin();
  const step = scene.drawStep(EARLIEST, LATEST);
  await holdingSteady(scene, step, async ({ proxy, process }) => {
    await proxy.once('work', asksFor(step), () => {
      process.kill('SIGKILL');
      return PASS;
    });
    await within('the relay to die', process.finished);
    await scene.startNode('victim');
    await nodeIsBack(scene);
  });
}
