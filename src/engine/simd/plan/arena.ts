/**
 * All memory of an engine: one WebAssembly memory, made when it is first used. Fixed regions (weights, coefficients,
 * scratch) come first and never move; batch regions follow, sized for the largest micro-batch seen, and share space where
 * their lifetimes do not overlap.
 *
 * A memory reserves address space up to its maximum (V8: at least that, see foundation/wasm/host.ts), which may be limited. So
 * the maximum is what micro-batches of the usual sizes need; for a larger one everything moves to another memory.
 */

import { LockstepError } from '../../../foundation/errors.js';
import { FLOAT_BYTES } from '../kernels/products.js';
import { newMemory } from '../../../foundation/wasm/host.js';
import type { WasmMemory } from '../../../foundation/wasm/host.js';
import { TRANSFORM_SCRATCH_BYTES } from '../kernels/winogradTransforms.js';

const PAGE_BYTES = 65_536;
const MAXIMUM_PAGES = 65_536; // 4 GiB
/** Micro-batches of up to so many images fit into the first memory. */
const USUAL_IMAGES = 128;
const LINE_BYTES = 64;
/** Keeps neighbouring regions, which are often a power of two long, out of each other's cache sets. */
const SKEW_BYTES = 17 * LINE_BYTES;

/** A piece of the arena, in bytes from its start. */
export interface Region {
  readonly byteOffset: number;
  readonly byteLength: number;
}

/** A region with room for so many images; its place is known once the arena is laid out. */
export class BatchRegion {
  byteOffset = 0;
  firstUse = Infinity;
  lastUse = -Infinity;

  constructor(readonly imageBytes: number) {}

  /** Declares that the contents matter at this time: the first use writes, the last one reads. */
  usedAt(time: number): this {
    this.firstUse = Math.min(this.firstUse, time);
    this.lastUse = Math.max(this.lastUse, time);
    return this;
  }

  /** Address of an image. */
  at(image: number): number {
    return this.byteOffset + image * this.imageBytes;
  }
}

export class Arena {
  private made: WasmMemory | undefined;
  private contents: Float32Array = new Float32Array(0);
  private fixedEnd = aligned(TRANSFORM_SCRATCH_BYTES);
  private readonly shared = new Map<string, Region>();
  private readonly batchRegions: BatchRegion[] = [];
  private readonly zeroedRegions: BatchRegion[] = [];
  private batchCapacity = 0;

  /** @param onMemory called with the memory that kernels are to work on: when it is made, and when another takes its place */
  constructor(private readonly onMemory: (memory: WasmMemory) => void = () => undefined) {}

  /** Made at the first use. @throws LockstepError E_RESOURCES where there is no address space for it */
  get memory(): WasmMemory {
    return this.made ?? this.make();
  }

  /** The whole arena as floats; replaced when the memory grows, so never keep it. */
  get floats(): Float32Array {
    if (this.made === undefined) this.make();
    return this.contents;
  }

  /** A region of its own, zero at first. */
  fixed(floatCount: number): Region {
    const region = { byteOffset: this.fixedEnd, byteLength: floatCount * FLOAT_BYTES };
    this.fixedEnd = aligned(this.fixedEnd + region.byteLength + SKEW_BYTES);
    if (this.made !== undefined) this.growTo(this.fixedEnd);
    return region;
  }

  /** @throws LockstepError E_ENGINE_UNAVAILABLE if the fixed regions alone are more than a memory can hold */
  checkFixedRegions(): void {
    if (pagesFor(this.fixedEnd) <= MAXIMUM_PAGES) return;
    throw new LockstepError(
      'E_ENGINE_UNAVAILABLE',
      `the weights of this network take ${Math.ceil(this.fixedEnd / 1e6)} MB in the simd engine, which has at most ` +
        '4,295 MB; use another engine, or fewer channels',
    );
  }

  /** The fixed region of that name, for whoever needs it for the length of one call. Names must spell out the size. */
  scratch(name: string, floatCount: number): Region {
    const region = this.shared.get(name) ?? this.fixed(floatCount);
    this.shared.set(name, region);
    return region;
  }

  batch(floatsPerImage: number): BatchRegion {
    const region = new BatchRegion(floatsPerImage * FLOAT_BYTES);
    this.batchRegions.push(region);
    return region;
  }

  /** A batch region that is zero at first and shares its space with no other. */
  zeroedBatch(floatsPerImage: number): BatchRegion {
    const region = this.batch(floatsPerImage).usedAt(-Infinity).usedAt(Infinity);
    this.zeroedRegions.push(region);
    return region;
  }

  /** Makes room for micro-batches of up to `imageCount`; contents of batch regions are lost when it grows. */
  reserve(imageCount: number): void {
    if (imageCount <= this.batchCapacity) return;
    this.batchCapacity = 0; // until all has gone well
    if (this.made === undefined) this.make(); // before the layout: making lays out for the usual size
    this.growTo(this.layOut(imageCount));
    for (const { byteOffset, imageBytes } of this.zeroedRegions) {
      const start = byteOffset / FLOAT_BYTES;
      this.floats.fill(0, start, start + (imageBytes / FLOAT_BYTES) * imageCount);
    }
    this.batchCapacity = imageCount;
  }

  zero(region: { readonly byteOffset: number }, floatCount: number): void {
    const start = region.byteOffset / FLOAT_BYTES;
    this.floats.fill(0, start, start + floatCount);
  }

  /**
   * Brings memory that is about to be written into cache, by filling it from end to end. Kernels that write it in the
   * order of tiles would wait for each line: this makes the output transform three times as fast.
   */
  fetch(byteOffset: number, byteLength: number): void {
    this.floats.fill(0, byteOffset / FLOAT_BYTES, (byteOffset + byteLength) / FLOAT_BYTES);
  }

  /** A view of a region; use it at once. */
  view({ byteOffset, byteLength }: Region): Float32Array {
    return new Float32Array(this.memory.buffer, byteOffset, byteLength / FLOAT_BYTES);
  }

  get byteLength(): number {
    return this.made?.buffer.byteLength ?? this.fixedEnd;
  }

  private make(): WasmMemory {
    const usualPages = Math.min(MAXIMUM_PAGES, pagesFor(this.layOut(USUAL_IMAGES)));
    const memory = newMemory(1, Math.max(usualPages, pagesFor(this.fixedEnd)));
    this.use(memory);
    this.growTo(this.fixedEnd);
    return memory;
  }

  /** Gives every batch region in use its place. Returns the end of the last one. */
  private layOut(imageCount: number): number {
    const placed: BatchRegion[] = [];
    const used = this.batchRegions.filter((region) => region.firstUse <= region.lastUse);
    used.sort(
      (a, b) =>
        Number(a.firstUse > b.firstUse) - Number(a.firstUse < b.firstUse) || b.imageBytes - a.imageBytes,
    );
    let end = this.fixedEnd;
    for (const region of used) {
      region.byteOffset = this.firstGap(region, placed, imageCount);
      placed.push(region);
      end = Math.max(end, region.byteOffset + region.imageBytes * imageCount);
    }
    return aligned(end);
  }

  /** The lowest place where the region overlaps none that is alive at the same time. */
  private firstGap(region: BatchRegion, placed: readonly BatchRegion[], imageCount: number): number {
    const extent = (other: BatchRegion): number => aligned(other.imageBytes * imageCount + SKEW_BYTES);
    const rivals = placed
      .filter((other) => other.firstUse <= region.lastUse && region.firstUse <= other.lastUse)
      .sort((a, b) => a.byteOffset - b.byteOffset);
    let offset = this.fixedEnd;
    for (const rival of rivals) {
      if (offset + extent(region) <= rival.byteOffset) break;
      offset = Math.max(offset, rival.byteOffset + extent(rival));
    }
    return offset;
  }

  private growTo(byteLength: number): void {
    const missingPages = pagesFor(byteLength) - pagesFor(this.memory.buffer.byteLength);
    try {
      if (missingPages > 0) this.grow(missingPages);
    } catch (error) {
      throw new LockstepError(
        'E_ENGINE_FAILED',
        `the simd engine needs ${Math.ceil(byteLength / 1e6)} MB in one piece and gets at most 4,295 MB, ` +
          'or what this host allows; use a smaller micro-batch',
        { cause: error },
      );
    }
    this.contents = new Float32Array(this.memory.buffer);
  }

  private grow(missingPages: number): void {
    try {
      this.memory.grow(missingPages);
    } catch {
      const pages = pagesFor(this.memory.buffer.byteLength) + missingPages;
      const larger = newMemory(1, pages);
      larger.grow(pages - 1);
      new Float32Array(larger.buffer).set(this.contents);
      this.use(larger);
    }
  }

  private use(memory: WasmMemory): void {
    this.made = memory;
    this.contents = new Float32Array(memory.buffer);
    this.onMemory(memory);
  }
}

const pagesFor = (byteLength: number): number => Math.ceil(byteLength / PAGE_BYTES);
const aligned = (byteLength: number): number => Math.ceil(byteLength / LINE_BYTES) * LINE_BYTES;
