/** Builds the WGSL of one compute kernel: its bindings, the functions that it reads with, and its dispatch size. */

import { invariant } from '../../../foundation/errors.js';
import { dispatchGrid } from './grid.js';
import type { Workgroups } from './grid.js';

/** A piece of device memory that a plan refers to before it is allocated. */
export interface Storage {
  readonly name: string;
  /** In float32 elements. */
  readonly length: number;
}

/** Part of a storage: `offset` and `length` in float32 elements, the offset a multiple of `ALIGNMENT`. */
export interface Range {
  readonly storage: Storage;
  readonly offset: number;
  readonly length: number;
}

/** WebGPU binds at multiples of 256 bytes (the largest minStorageBufferOffsetAlignment that a device may have). */
export const ALIGNMENT = 64;
export const aligned = (length: number): number => Math.ceil(length / ALIGNMENT) * ALIGNMENT;

/** A new storage as one range. */
export function allocate(name: string, length: number): Range {
  return { storage: { name, length }, offset: 0, length };
}

export type Access = 'read' | 'read_write';
type ElementType = 'f32' | 'vec4f' | 'u32' | 'i32' | 'vec4u';

export interface Binding {
  readonly range: Range;
  readonly access: Access;
}

export interface Dispatch {
  /** Kind of kernel and shape, for profiles. */
  readonly label: string;
  readonly code: string;
  readonly bindings: readonly Binding[];
  readonly workgroups: Workgroups;
  /** Identifies the tile choice that the kernel's time depends on. */
  readonly tuningKey?: string | undefined;
}

/**
 * WGSL that computes four channels of a value at one pixel: the body of `fn (image: u32, row: u32, column: u32,
 * quad: u32) -> vec4f`. Readings can be combined, so that values which are cheap to compute again are never stored.
 */
export type Reading = (kernel: KernelSource) => string;

export interface KernelBody {
  readonly label: string;
  readonly threads: number;
  /** Any number in each dimension; see `dispatchGrid`. */
  readonly workgroups: Workgroups;
  readonly tuningKey?: string | undefined;
  /** Statements of `main(group: vec3u, thread: u32)`. */
  readonly main: string;
  /** WGSL extensions, and further parameters of `main`, such as `@builtin(subgroup_id) subgroup: u32`. */
  readonly extensions?: readonly string[];
  readonly parameters?: readonly string[];
}

export class KernelSource {
  private readonly bindings: (Binding & { readonly type: ElementType })[] = [];
  private readonly declarations: string[] = [];
  private readonly readers = new Map<Reading, string>();
  private readonly declared = new Set<string>();

  /** The name of a variable that holds the range; the same for the same range. */
  bind(range: Range, type: ElementType, access: Access = 'read'): string {
    const found = this.bindings.findIndex(
      (binding) =>
        binding.range.storage === range.storage &&
        binding.range.offset === range.offset &&
        binding.type === type &&
        binding.access === access,
    );
    if (found >= 0) return `b${found}`;
    invariant(range.offset % ALIGNMENT === 0, `${range.storage.name} is bound at ${range.offset}`);
    this.bindings.push({ range, type, access });
    return `b${this.bindings.length - 1}`;
  }

  /** The name of a function that evaluates the reading. */
  reader(reading: Reading): string {
    const known = this.readers.get(reading);
    if (known !== undefined) return known;
    const body = reading(this);
    const name = `read${this.readers.size}`;
    this.readers.set(reading, name);
    this.declare(`fn ${name}(image: u32, row: u32, column: u32, quad: u32) -> vec4f {\n${body}\n}`);
    return name;
  }

  /** Adds module-scope WGSL. */
  declare(text: string): void {
    this.declarations.push(text);
  }

  /** Runs `declare` the first time that `name` is requested. */
  once(name: string, declare: () => void): void {
    if (this.declared.has(name)) return;
    this.declared.add(name);
    declare();
  }

  workgroupArray(name: string, length: number, type = 'vec4f'): void {
    this.declare(`var<workgroup> ${name}: array<${type}, ${length}>;`);
  }

  get bindingCount(): number {
    return this.bindings.length;
  }

  /** @throws LockstepError E_ENGINE_FAILED if no device can dispatch so many workgroups */
  build(body: KernelBody): Dispatch {
    const { label, threads, main, tuningKey, extensions = [], parameters = [] } = body;
    const { workgroups, parameter, prologue } = dispatchGrid(label, body.workgroups);
    const bindings = this.bindings.map(
      ({ type, access }, index) =>
        `@group(0) @binding(${index}) var<storage, ${access}> b${index}: array<${type}>;`,
    );
    const builtins = [parameter, '@builtin(local_invocation_index) thread: u32', ...parameters];
    const code = [
      ...extensions.map((extension) => `enable ${extension};`),
      ...bindings,
      ...this.declarations,
      `@compute @workgroup_size(${threads})`,
      `fn main(${builtins.join(', ')}) {`,
      ...prologue,
      main,
      '}',
    ].join('\n');
    return { label, code, bindings: this.bindings, workgroups, tuningKey };
  }
}

/** Storage buffers that a kernel binds to evaluate all of the readings. */
export function bindingsOf(readings: readonly Reading[]): number {
  const kernel = new KernelSource();
  for (const reading of readings) kernel.reader(reading);
  return kernel.bindingCount;
}

/** 0 … count - 1 */
export const indices = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Statements repeated for 0 … count - 1, with the index written out. */
export function repeat(count: number, line: (index: number) => string): string {
  return indices(count).map(line).join('\n');
}
