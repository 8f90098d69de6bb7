/**
 * Two hosts, as far as the kernel can play them: network namespaces, joined by a link with a limit of its rate each way. One
 * has the coordinator, the other all nodes, so the limit is that of the coordinator's network card. Linux, and root only.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { LoadHosts } from '../load/measure.js';

/** Addresses for documentation, RFC 5737: they exist in the two namespaces alone. */
const ADDRESSES = ['192.0.2.1', '192.0.2.2'] as const;
const PORT = 7070;
/** No frame is dropped while less than this waits: the connections of all nodes at once. */
const QUEUE_BYTES = 64_000_000;

export class TwoHosts {
  private readonly mark = randomBytes(3).toString('hex');
  private readonly names = [`lockstep-c-${this.mark}`, `lockstep-n-${this.mark}`] as const;
  private readonly token = randomBytes(16).toString('hex');

  constructor(megabits: number) {
    for (const name of this.names) ip('netns', 'add', name);
    const ends = [`lkc${this.mark}`, `lkn${this.mark}`] as const;
    ip(
      ...['link', 'add', ends[0], 'netns', this.names[0]],
      ...['type', 'veth', 'peer', 'name', ends[1], 'netns', this.names[1]],
    );
    for (const [index, name] of this.names.entries()) {
      const end = ends[index]!;
      ip('-n', name, 'address', 'add', `${ADDRESSES[index]}/24`, 'dev', end);
      ip('-n', name, 'link', 'set', end, 'up');
      const limit = ['rate', `${megabits}mbit`, 'burst', '128kb', 'limit', String(QUEUE_BYTES)];
      execFileSync('tc', ['-n', name, 'qdisc', 'add', 'dev', end, 'root', 'tbf', ...limit]);
    }
  }

  get hosts(): LoadHosts {
    return {
      coordinator: {
        prefix: this.on(0),
        listen: `${ADDRESSES[0]}:${PORT}`,
        token: this.token,
      },
      nodesPrefix: this.on(1),
    };
  }

  remove(): void {
    for (const name of this.names) spawnSync('ip', ['netns', 'delete', name]);
  }

  private on(index: 0 | 1): readonly string[] {
    return ['ip', 'netns', 'exec', this.names[index]];
  }
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args);
}
