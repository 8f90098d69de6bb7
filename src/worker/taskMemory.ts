/**
 * Memory shared with the threads: an item's samples, and its gradient. It is reused, so an item needs no new memory, no
 * copy between threads, and no garbage collection.
 */

import type { GradientOutput, ItemTask, Samples, ThreadTask } from './task.js';

/** The memory of one item. Its owner gives it back, or drops it if a thread may still write to it. */
export interface TaskMemory {
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
  readonly output: GradientOutput;
}

export class TaskMemoryPool {
  private readonly free: TaskMemory[] = [];

  /** @returns memory with a copy of the task's samples and room for the gradient */
  take({ pixels, labels, state }: ItemTask): TaskMemory {
    const needed = {
      pixels: pixels.length,
      labels: labels.length,
      parameters: state.parameters.length,
      statistics: state.statistics.length,
    };
    const last = this.free.pop();
    const memory = last && fits(last, needed) ? last : allocate(needed);
    memory.pixels.set(pixels);
    memory.labels.set(labels);
    return memory;
  }

  giveBack(memory: TaskMemory): void {
    this.free.push(memory);
  }
}

/** The same task, with its samples and output in shared memory. */
export function onSharedMemory(task: ItemTask, memory: TaskMemory): ThreadTask {
  const samples: Samples = {
    pixels: memory.pixels.subarray(0, task.pixels.length),
    labels: memory.labels.subarray(0, task.labels.length),
  };
  return task.kind === 'gradient' ? { ...task, ...samples, output: memory.output } : { ...task, ...samples };
}

interface Lengths {
  readonly pixels: number;
  readonly labels: number;
  readonly parameters: number;
  readonly statistics: number;
}

const fits = ({ pixels, labels, output }: TaskMemory, needed: Lengths): boolean =>
  pixels.length >= needed.pixels &&
  labels.length >= needed.labels &&
  output.gradientSum.length === needed.parameters &&
  output.statisticSum.length === needed.statistics;

function allocate({ pixels, labels, parameters, statistics }: Lengths): TaskMemory {
  return {
    pixels: new Uint8Array(new SharedArrayBuffer(pixels)),
    labels: new Uint8Array(new SharedArrayBuffer(labels)),
    output: {
      gradientSum: new Float32Array(new SharedArrayBuffer(4 * parameters)),
      statisticSum: new Float32Array(new SharedArrayBuffer(4 * statistics)),
    },
  };
}
