/** How far the heap of a process that serves many nodes may grow before V8 collects all of it. */

import { setFlagsFromString } from 'node:v8';

/** The commands whose process receives gradients from many nodes. */
const SERVES_NODES: ReadonlySet<string> = new Set(['coordinator', 'relay', 'launch']);

/**
 * What is received counts towards the heap, and is soon garbage that V8 would free on its own every 32 MB, at little cost.
 * But a heap as small as the coordinator's, 23 MB, is collected whole before that: once for every 14 gradients, which took
 * more than half of the coordinator's time (docs/log.md). With this setting, V8
 * collects the heap when it has grown to four times its live objects.
 */
const GROWING_PERCENT = 300;

/** Has an effect from the next collection of the whole heap on, of which a few happen before the first step. */
export function letHeapGrow(command: string): void {
  if (SERVES_NODES.has(command)) setHeapGrowth(GROWING_PERCENT);
}

/** A flag that V8 does not promise to keep: a version without it says so on standard error, and goes on. */
export function setHeapGrowth(percent: number): void {
  setFlagsFromString(`--heap-growing-percent=${percent}`);
}
