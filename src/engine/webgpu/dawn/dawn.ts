/** The npm package `webgpu`: Dawn, the WebGPU of Chromium, with its binaries for Linux, macOS and Windows. */

import { createRequire } from 'node:module';
import type { Precision } from '../../engine.js';
import { importPackage, locatePackage } from '../../tfjs/optionalPackage.js';

export const DAWN_PACKAGE = 'webgpu';

interface Dawn {
  create(flags: readonly string[]): GPU;
}

/** Undefined where the package is not installed, as after `npm ci --omit=optional`. */
export const locateDawn = (): string | undefined => locatePackage(DAWN_PACKAGE);

/** Of the npm package, which each brings a Dawn of its day. */
export function dawnVersion(): string {
  const description = createRequire(import.meta.url)(`${DAWN_PACKAGE}/package.json`) as { version: string };
  return description.version;
}

/**
 * Kernels index by constants of their own making and write workgroup memory before they read it, so Dawn need neither
 * clamp every index nor clear that memory.
 */
const SPEED_FEATURES = ['disable_robustness', 'disable_workgroup_init'];
/** For products of half-precision matrices: an experiment of Dawn's, and float16, which it does not offer on NVIDIA. */
const MATRIX_FEATURES = ['allow_unsafe_apis', 'vulkan_enable_f16_on_nvidia'];
/** Timestamps are rounded to 100 µs otherwise. */
const TIMESTAMP_FLAG = 'disable-dawn-features=timestamp_quantization';

/** Names an adapter to Dawn, which has no other way. */
export interface AdapterKey {
  /** Such as `vulkan`, `metal`, `d3d12`; empty: any. */
  readonly backend: string;
  /** The driver's name for the device; empty: any. */
  readonly name: string;
}

export function adapterFlags({ backend, name }: AdapterKey): string[] {
  return [...(backend === '' ? [] : [`backend=${backend}`]), ...(name === '' ? [] : [`adapter=${name}`])];
}

/** Dawn's instances: each must outlive all that came of it, which JavaScript's collector does not see to. */
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
