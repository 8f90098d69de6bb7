/** The npm package `webgpu`: Dawn, the WebGPU of Chromium, with its binaries for Linux, macOS and Windows. */

import { createRequire } from 'node:module';
import type { Precision } from '../../engine.js';
import { importPackage, locatePackage } from '../../tfjs/optionalPackage.js';

export const DAWN_PACKAGE = 'webgpu';

interface Dawn {
  create(flags: readonly string[]): GPU;
}

/** Undefined if the package is not installed, for example after `npm ci --omit=optional`. */
export const locateDawn = (): string | undefined => locatePackage(DAWN_PACKAGE);

/** Of the npm package; each version contains a Dawn of its time. */
export function dawnVersion(): string {
  const description = createRequire(import.meta.url)(`${DAWN_PACKAGE}/package.json`) as { version: string };
  return description.version;
}

/**
 * Kernels only use indices that they compute from constants, and write workgroup memory before they read it. So Dawn need
 * not clamp every index or clear that memory.
 */
const SPEED_FEATURES = ['disable_robustness', 'disable_workgroup_init'];
/** For products of half-precision matrices: an experimental feature of Dawn, and float16, which it disables on NVIDIA. */
const MATRIX_FEATURES = ['allow_unsafe_apis', 'vulkan_enable_f16_on_nvidia'];
/** Timestamps are rounded to 100 µs otherwise. */
const TIMESTAMP_FLAG = 'disable-dawn-features=timestamp_quantization';

/** How Dawn selects an adapter; it has no other way. */
export interface AdapterKey {
  /** Such as `vulkan`, `metal`, `d3d12`; empty: any. */
  readonly backend: string;
  /** The driver's name for the device; empty: any. */
  readonly name: string;
}

export function adapterFlags({ backend, name }: AdapterKey): string[] {
  return [...(backend === '' ? [] : [`backend=${backend}`]), ...(name === '' ? [] : [`adapter=${name}`])];
}

/** Dawn's instances. Each must outlive everything created from it, which JavaScript's garbage collector does not ensure. */
const instances = new Map<string, GPU>();

async function instanceFor(url: string, key: AdapterKey, precision: Precision): Promise<GPU> {
  const features = [...SPEED_FEATURES, ...(precision === 'f16' ? MATRIX_FEATURES : [])];
  const flags = [...adapterFlags(key), `enable-dawn-features=${features.join()}`, TIMESTAMP_FLAG];
  const known = instances.get(flags.join());
  if (known !== undefined) return known;
  const dawn = await importPackage<Dawn>(url);
  const created = dawn.create(flags);
  instances.set(flags.join(), created);
  return created;
}

/** @throws Error if the binary cannot be loaded, or has no such adapter */
export async function openAdapter(
  url: string,
  key: AdapterKey,
  precision: Precision = 'f32',
): Promise<GPUAdapter | null> {
  const instance = await instanceFor(url, key, precision);
  return instance.requestAdapter({ powerPreference: 'high-performance' });
}
