/** Who is working: the attached nodes by name, with their workers. */

import type { RunEvent } from '../../coordinator/index.js';

export class Roster {
  /** Nodes of the same name are added up. */
  private readonly workersOf = new Map<string, number>();

  event(event: RunEvent): void {
    if (event.event === 'worker-joined') this.add(event.node, event.threads);
    if (event.event === 'worker-left') this.add(event.node, -event.threads);
  }

  /** `workers: local×2, alpha×4`, in the order of their coming. */
  text(): string {
    const nodes = [...this.workersOf].map(([node, workers]) => `${node}×${workers}`);
    return `workers: ${nodes.join(', ') || 'none'}`;
  }

  private add(node: string, workers: number): void {
    const now = (this.workersOf.get(node) ?? 0) + workers;
    if (now > 0) this.workersOf.set(node, now);
    else this.workersOf.delete(node);
  }
}
