/**
 * The attached nodes, for Prometheus: of each metric one series a node, while it is attached. However many come and go, and
 * whatever they call themselves, the number of series stays bounded.
 */

import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { FleetView, NodeView } from '../../coordinator/index.js';

/** Nodes with series of their own; the others are added up. */
const MOST_NAMED = 1000;
const OTHERS = 'other nodes';
const MS_PER_SECOND = 1000;

interface NodeMetric {
  readonly name: string;
  readonly help: string;
  readonly kind: 'counter' | 'gauge';
  /** Null: nothing is known of this node. */
  readonly value: (node: NodeView) => number | null;
  /** Of nodes that share a name. */
  readonly together: 'sum' | 'largest';
}

const METRICS: readonly NodeMetric[] = [
  {
    name: 'node_workers',
    help: 'Workers (threads) of an attached node.',
    kind: 'gauge',
    value: ({ threads }) => threads,
    together: 'sum',
  },
  {
    name: 'node_images_total',
    help: 'Training images whose gradients a node has sent since it attached.',
    kind: 'counter',
    value: ({ trainedImages }) => trainedImages,
    together: 'sum',
  },
  {
    name: 'node_items_given_total',
    help: 'Items that a node was given since it attached.',
    kind: 'counter',
    value: ({ itemsGiven }) => itemsGiven,
    together: 'sum',
  },
  {
    name: 'node_items_answered_total',
    help: 'Items that a node has answered since it attached.',
    kind: 'counter',
    value: ({ itemsAnswered }) => itemsAnswered,
    together: 'sum',
  },
  {
    name: 'node_items_late_total',
    help: 'Items that another node was given as well, because this one was late.',
    kind: 'counter',
    value: ({ itemsLate }) => itemsLate,
    together: 'sum',
  },
  {
    name: 'node_items_failed_total',
    help: 'Items that a node could not compute.',
    kind: 'counter',
    value: ({ itemsFailed }) => itemsFailed,
    together: 'sum',
  },
  {
    name: 'node_received_bytes_total',
    help: 'Bytes that came from a node since it attached.',
    kind: 'counter',
    value: ({ bytesReceived }) => bytesReceived,
    together: 'sum',
  },
  {
    name: 'node_sent_bytes_total',
    help: 'Bytes that went to a node since it attached.',
    kind: 'counter',
    value: ({ bytesSent }) => bytesSent,
    together: 'sum',
  },
  {
    name: 'node_round_trip_seconds',
    help: 'The last round-trip to a node.',
    kind: 'gauge',
    value: ({ roundTripMs }) => (roundTripMs === null ? null : roundTripMs / MS_PER_SECOND),
    together: 'largest',
  },
  {
    name: 'node_silence_seconds',
    help: 'Time since a node was last heard of.',
    kind: 'gauge',
    value: ({ silentSeconds }) => silentSeconds,
    together: 'largest',
  },
];

/** @param view asked whenever the metrics are collected */
export function addNodeMetrics(registry: Registry, view: () => FleetView): void {
  const registers = [registry];
  new Gauge({
    name: 'lockstep_nodes',
    help: 'Nodes (processes) that are attached.',
    registers,
    collect(): void {
      this.set(view().nodes.length);
    },
  });
  new Gauge({
    name: 'lockstep_workers',
    help: 'Workers (threads) of all attached nodes.',
    registers,
    collect(): void {
      this.set(view().nodes.reduce((sum, { threads }) => sum + threads, 0));
    },
  });
  for (const metric of METRICS) addNodeMetric(registry, metric, view);
}

function addNodeMetric(registry: Registry, metric: NodeMetric, view: () => FleetView): void {
  const { name, help, kind } = metric;
  const options = { name: `lockstep_${name}`, help, labelNames: ['node'] as const, registers: [registry] };
  if (kind === 'gauge') {
    new Gauge({
      ...options,
      collect(): void {
        this.reset();
        for (const [node, value] of valuesByNode(view(), metric)) this.set({ node }, value);
      },
    });
    return;
  }
  new Counter({
    ...options,
    collect(): void {
      this.reset();
      for (const [node, value] of valuesByNode(view(), metric)) this.inc({ node }, value);
    },
  });
}

function valuesByNode({ nodes }: FleetView, { value, together }: NodeMetric): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  for (const node of nodes) {
    const found = value(node);
    if (found === null) continue;
    const label = values.has(node.name) || values.size < MOST_NAMED ? node.name : OTHERS;
    const before = values.get(label);
    const combined = together === 'sum' ? (before ?? 0) + found : Math.max(before ?? -Infinity, found);
    values.set(label, combined);
  }
  return values;
}
