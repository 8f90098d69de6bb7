/** Who works on a run, and how much of it each node has computed: from the events of the run. */

import { isRecord } from '../../foundation/isRecord.js';
import type { MetricsLine } from './metricsLines.js';
import type { WorkerShare } from './runData.js';
import { numberOf } from './values.js';

/** Beyond this, nodes count as others: a run may see any number come and go. */
const MOST_NODES = 200;
const OTHERS = '(others)';

interface Node {
  engine: string | null;
  device: string | null;
  numericsClass: string | null;
  threads: number | null;
  /** Nodes of this name that are attached. */
  attached: number;
  samples: number;
}

export class WorkerShares {
  private nodes = new Map<string, Node>();

  /** Takes events of any kind; those of workers and epochs count. */
  add(line: MetricsLine): void {
    switch (line['event']) {
      case 'worker-joined':
        return this.join(line);
      case 'worker-left':
        return this.leave(line);
      case 'epoch':
        return this.addShares(line['workers']);
      case 'run-finished':
        this.detachAll();
    }
  }

  forget(): void {
    this.nodes = new Map();
  }

  /** The largest share first; then the names. */
  list(): readonly WorkerShare[] {
    const total = [...this.nodes.values()].reduce((sum, { samples }) => sum + samples, 0);
    return [...this.nodes]
      .map(([node, { attached, samples, ...known }]) => ({
        node,
        ...known,
        isAttached: attached > 0,
        samples,
        share: total === 0 ? null : samples / total,
      }))
      .sort((a, b) => b.samples - a.samples || (a.node < b.node ? -1 : 1));
  }

  private join(line: MetricsLine): void {
    const node = this.nodeOf(line['node']);
    if (!node) return;
    // The first one of a process: those of a process that was killed never left.
    if (numberOf(line['workersNow']) === numberOf(line['threads'])) this.detachAll();
    node.attached++;
    node.engine = textOf(line['engine']);
    node.device = textOf(line['device']);
    node.numericsClass = textOf(line['numericsClass']);
    node.threads = numberOf(line['threads']);
  }

  private detachAll(): void {
    for (const node of this.nodes.values()) node.attached = 0;
  }

  private leave(line: MetricsLine): void {
    const node = this.nodeOf(line['node']);
    if (node) node.attached = Math.max(0, node.attached - 1);
  }

  private addShares(workers: unknown): void {
    if (!Array.isArray(workers)) return; // an older version did not tell
    for (const entry of workers.slice(0, MOST_NODES) as readonly unknown[]) {
      if (!isRecord(entry)) continue;
      const node = this.nodeOf(entry['node']);
      if (node) node.samples += Math.max(0, numberOf(entry['samples']) ?? 0);
    }
  }

  private nodeOf(name: unknown): Node | undefined {
    if (typeof name !== 'string') return undefined;
    const key = this.nodes.has(name) || this.nodes.size < MOST_NODES ? name : OTHERS;
    const known = this.nodes.get(key);
    if (known) return known;
    const node: Node = {
      ...{ engine: null, device: null, numericsClass: null, threads: null },
      ...{ attached: 0, samples: 0 },
    };
    this.nodes.set(key, node);
    return node;
  }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
