/** tfjs's WebGPU backend over Dawn, which the npm package `webgpu` brings: GPUs of any vendor. Both are optional. */

import type { KernelBackend } from '@tensorflow/tfjs-core';
import { describeError, LockstepError } from '../../foundation/errors.js';
import type { EngineAvailability } from '../engine.js';
import type { OpenBackend, TensorFlow, TfjsBackend } from './backend.js';
import { initialiseBackend } from './initialise.js';
import { deviceLogitGradient, plainOperations } from './operations.js';
import { importPackage, locatePackage, probe } from './optionalPackage.js';

const DAWN = 'webgpu';
const TFJS = '@tensorflow/tfjs-backend-webgpu';
const INSTALL = `npm install --no-save ${DAWN} ${TFJS}@4.22.0`;
const DRIVER_REMEDY =
  'install the driver of your GPU (on Linux with its Vulkan part, and the loader libvulkan.so.1), or use another --engine';
const ADAPTER_OPTIONS = { powerPreference: 'high-performance' } as const;

/** Of Dawn, no more than is used here. */
interface Dawn {
  readonly globals: Readonly<Record<string, unknown>>;
  create(options: readonly string[]): Gpu;
}
interface Gpu {
  requestAdapter(options: typeof ADAPTER_OPTIONS): Promise<Adapter | null>;
}
interface Adapter {
  readonly info: AdapterInfo;
  readonly limits: Readonly<Record<string, number>>;
  requestDevice(options: { readonly requiredLimits: Readonly<Record<string, number>> }): Promise<object>;
}
interface AdapterInfo {
  readonly vendor: string;
  readonly device: string;
  readonly description: string;
  /** True for a software adapter. */
  readonly isFallbackAdapter: boolean;
}
interface TfjsWebgpu {
  readonly WebGPUBackend: new (device: object, info: AdapterInfo) => KernelBackend;
}

/** What tfjs's own start-up asks for: the adapter's, where the default is smaller. */
const LIMITS = [
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxComputeWorkgroupSizeX',
  'maxComputeInvocationsPerWorkgroup',
];

export const webgpuBackend: TfjsBackend = { name: 'webgpu', availability, open };

async function availability(): Promise<EngineAvailability> {
  const dawn = locatePackage(DAWN);
  const missing = [dawn === undefined && DAWN, locatePackage(TFJS) === undefined && TFJS].filter(Boolean);
  if (dawn === undefined || missing.length > 0) {
    return {
      available: false,
      reason: `not installed: ${missing.join(' and ')}`,
      remedy: INSTALL,
    };
  }
  const result = await probe<AdapterInfo | null>(`await (async () => {
    const adapter = await (await load(${JSON.stringify(dawn)})).create([])
      .requestAdapter(${JSON.stringify(ADAPTER_OPTIONS)});
    if (!adapter) return null;
    const { vendor, device, description, isFallbackAdapter } = adapter.info;
    return { vendor, device, description, isFallbackAdapter };
  })()`);
  if (!result.succeeded) {
    return { available: false, reason: `Dawn failed: ${result.reason}`, remedy: DRIVER_REMEDY };
  }
  if (result.report === null) {
    return { available: false, reason: 'Dawn finds no adapter on this machine', remedy: DRIVER_REMEDY };
  }
  return { available: true, detail: describeAdapter(result.report) };
}

function describeAdapter(info: AdapterInfo): string {
  const name = info.description || [info.vendor, info.device].filter((part) => part !== '').join(' ');
  const kind = info.isFallbackAdapter ? ' (software, slow)' : '';
  return `${name === '' ? 'unnamed adapter' : name}${kind}`;
}

async function open(): Promise<OpenBackend> {
  const tf = await import('@tensorflow/tfjs-core');
  const info = await openAdapter(tf);
  return {
    tf,
    registeredName: 'webgpu',
    description: {
      name: 'webgpu',
      device: describeAdapter(info),
      numericsClass: `tfjs-webgpu-${tf.version_core}`,
      exact: false,
      versions: { tfjs: tf.version_core },
    },
    operations: plainOperations(tf, deviceLogitGradient(tf)),
  };
}

async function openAdapter(tf: TensorFlow): Promise<AdapterInfo> {
  const found = await availability();
  if (!found.available) throw unavailable(found.reason, found.remedy);
  try {
    const dawn = await importPackage<Dawn>(import.meta.resolve(DAWN));
    const gpu = dawn.create([]);
    publishWebGpu(gpu, dawn.globals);
    const { WebGPUBackend } = await importPackage<TfjsWebgpu>(import.meta.resolve(TFJS));
    const adapter = await gpu.requestAdapter(ADAPTER_OPTIONS);
    if (adapter === null) throw unavailable('Dawn finds no adapter in this process', DRIVER_REMEDY);
    const requiredLimits = Object.fromEntries(LIMITS.map((limit) => [limit, adapter.limits[limit]!]));
    const device = await adapter.requestDevice({ requiredLimits });
    if (tf.findBackendFactory('webgpu') !== null) tf.removeBackend('webgpu'); // the package's own way to open one
    tf.registerBackend('webgpu', () => new WebGPUBackend(device, adapter.info));
    await initialiseBackend(tf, 'webgpu', 'webgpu');
    return adapter.info;
  } catch (error) {
    if (error instanceof LockstepError) throw error;
    throw unavailable(describeError(error), DRIVER_REMEDY, error);
  }
}

/** tfjs looks for WebGPU where a browser has it. */
function publishWebGpu(gpu: Gpu, globals: Dawn['globals']): void {
  Object.assign(globalThis, globals);
  const host = globalThis as { navigator?: object };
  if (host.navigator === undefined) {
    Object.defineProperty(host, 'navigator', { value: {}, configurable: true, writable: true });
  }
  Object.defineProperty(host.navigator, 'gpu', { value: gpu, configurable: true });
}

function unavailable(reason: string, remedy: string, cause?: unknown): LockstepError {
  return new LockstepError('E_ENGINE_UNAVAILABLE', `engine webgpu cannot run here: ${reason}; ${remedy}`, {
    cause,
  });
}
