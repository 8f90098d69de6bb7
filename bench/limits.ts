/** The limits of one core of this machine, measured with WebAssembly as the engine emits it. */

import type { Arithmetic } from '../src/engine/simd/arithmetic.js';
import { KernelLibrary } from '../src/engine/simd/kernels/library.js';
import { load } from '../src/foundation/wasm/expressions.js';
import { newMemory } from '../src/foundation/wasm/host.js';

export interface MachineLimits {
  /** Multiplications and additions of twelve independent chains of multiply-adds in registers. */
  readonly multiplyAddGflops: number;
  /** Bytes read and bytes written by a copy that fits into the second-level cache (2 x 128 KiB). */
  readonly cacheCopyGigabytesPerSecond: number;
  /** The same for a copy that fits into no cache (2 x 128 MiB). */
  readonly memoryCopyGigabytesPerSecond: number;
}

const PAGE_BYTES = 65_536;
const CACHE_COPY_BYTES = 2 ** 17;
const MEMORY_COPY_BYTES = 2 ** 27;

export async function measureLimits(arithmetic: Arithmetic): Promise<MachineLimits> {
  return {
    multiplyAddGflops: await multiplyAddPeak(arithmetic),
    cacheCopyGigabytesPerSecond: await copyPeak(arithmetic, CACHE_COPY_BYTES, 200),
    memoryCopyGigabytesPerSecond: await copyPeak(arithmetic, MEMORY_COPY_BYTES, 1),
  };
}

async function multiplyAddPeak(arithmetic: Arithmetic): Promise<number> {
  const chains = 12;
  const turns = 100_000;
  const library = new KernelLibrary(arithmetic);
  const kernel = library.kernel('peak', 1, (f, { multiplyAdd }) => {
    const factor = f.variable(load(f.parameter(0), 0));
    const sums = Array.from({ length: chains }, () => f.variable(load(f.parameter(0), 16)));
    f.repeat(turns, () => sums.forEach((sum) => f.set(sum, multiplyAdd(factor, factor, sum))));
    sums.forEach((sum, index) => f.store(f.parameter(0), sum, 32 + 16 * index));
  });
  await library.compile();
  library.bind(newMemory(1, 1));
  return (chains * 8 * turns) / fastestMs(() => kernel.run(0)) / 1e6;
}

async function copyPeak(arithmetic: Arithmetic, byteCount: number, turns: number): Promise<number> {
  const pages = (2 * byteCount) / PAGE_BYTES + 1;
  const library = new KernelLibrary(arithmetic);
  const kernel = library.kernel('copy', 2, (f) => {
    f.repeat(turns, () => {
      const [from, to] = [f.variable(f.parameter(0)), f.variable(f.parameter(1))];
      f.repeat(byteCount / 64, () => {
        for (let offset = 0; offset < 64; offset += 16) f.store(to, load(from, offset), offset);
        f.advance(from, 64);
        f.advance(to, 64);
      });
    });
  });
  const memory = newMemory(pages, pages);
  new Uint8Array(memory.buffer).fill(1); // the system allocates only pages that are written to
  await library.compile();
  library.bind(memory);
  // The destination is offset by a quarter page: at equal offsets loads would wait for stores 4 KiB apart.
  return (2 * byteCount * turns) / fastestMs(() => kernel.run(0, byteCount + 1024)) / 1e6;
}

/** The best of several: a slower run is not the machine's limit. */
function fastestMs(run: () => void): number {
  const durationsMs = Array.from({ length: 20 }, () => {
    const startedMs = performance.now();
    run();
    return performance.now() - startedMs;
  });
  return Math.min(...durationsMs);
}
