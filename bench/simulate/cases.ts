/** The clusters that are measured and simulated. Few nodes and long items: all of them share this machine's processors. */

export interface Case {
  readonly nodes: number;
  readonly computeMs: number;
  /** Of the coordinator's network card, each way; undefined: loopback. */
  readonly megabits?: number;
  readonly relays?: number;
  /** Micro-batches of a step, per node. */
  readonly itemsPerNode?: number;
}

export const CASES: readonly Case[] = [
  { nodes: 8, computeMs: 100 },
  { nodes: 16, computeMs: 300 },
  { nodes: 16, computeMs: 100, itemsPerNode: 4 },
  { nodes: 8, computeMs: 100, megabits: 200 },
  { nodes: 16, computeMs: 300, megabits: 200 },
  { nodes: 16, computeMs: 100, megabits: 400 },
  { nodes: 8, computeMs: 500, relays: 2 },
  { nodes: 16, computeMs: 500, relays: 4 },
];

export function caseText({ nodes, computeMs, megabits, relays, itemsPerNode = 1 }: Case): string {
  return [
    `${nodes} nodes`,
    ...(relays === undefined ? [] : [`${relays} relays`]),
    `${computeMs} ms`,
    ...(itemsPerNode === 1 ? [] : [`${itemsPerNode} items each`]),
    megabits === undefined ? 'loopback' : `${megabits} Mbit/s`,
  ].join(', ');
}
