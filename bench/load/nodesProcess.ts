/** One process of simulated nodes, controlled over the IPC channel. */

import { sum } from '../statistics.js';
import { SimulatedNode } from './simulatedNode.js';
import type { NodesCommand, NodesReport, Traffic } from './wire.js';

const nodes: SimulatedNode[] = [];

process.on('message', (command: NodesCommand) => {
  if (command.kind === 'count') return report({ kind: 'counted', ...total() });
  attach(command).catch((error: unknown) =>
    report({ kind: 'lost', reason: error instanceof Error ? error.message : String(error) }),
  );
});

/** All at once: a join storm. */
async function attach({
  url,
  count,
  computeMs,
  token,
}: Extract<NodesCommand, { kind: 'attach' }>): Promise<void> {
  const added = Array.from({ length: count }, (_, index) => {
    const node = new SimulatedNode(`simulated ${process.pid}.${nodes.length + index}`, { computeMs, token });
    node.onLost = (reason) => report({ kind: 'lost', reason });
    return node;
  });
  nodes.push(...added);
  report({ kind: 'attached', setUpMs: await Promise.all(added.map((node) => node.attach(url))) });
}

function total(): Traffic {
  const each = nodes.map((node) => node.traffic());
  return {
    bytesToCoordinator: sum(each.map(({ bytesToCoordinator }) => bytesToCoordinator)),
    bytesFromCoordinator: sum(each.map(({ bytesFromCoordinator }) => bytesFromCoordinator)),
    framesToCoordinator: sum(each.map(({ framesToCoordinator }) => framesToCoordinator)),
    framesFromCoordinator: sum(each.map(({ framesFromCoordinator }) => framesFromCoordinator)),
  };
}

function report(message: NodesReport): void {
  process.send?.(message);
}
