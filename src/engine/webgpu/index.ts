/** The `webgpu` engine: our own WGSL kernels on GPUs of any vendor, through Dawn. See docs/gpu.md. */

import { describeError, LockstepError } from '../../foundation/errors.js';
import type { Model } from '../../model/index.js';
import type { EngineAvailability, EngineFactory, Precision, Tuning } from '../engine.js';
import { adapterLine, bestAdapter, isHidden, listAdapters, nameOf, pickAdapter } from './dawn/adapters.js';
import { dawnVersion, locateDawn, openAdapter } from './dawn/dawn.js';
import type { AdapterKey } from './dawn/dawn.js';
import { Session } from './dawn/session.js';
import { KernelTimer } from './kernelTimer.js';
import { KERNELS, openEngine, unavailable } from './openEngine.js';
import type { DeviceSource, OpenedDevice } from './openEngine.js';
import type { PlanTuning } from './openDevice.js';
import { TileTuner } from './tuning/tileTuner.js';
import { TuningCache } from './tuning/tuningCache.js';
import type { TuningEnvironment } from './tuning/tuningCache.js';
import type { WebgpuEngine } from './webgpuEngine.js';

export { WebgpuEngine } from './webgpuEngine.js';

async function availability(request?: string): Promise<EngineAvailability> {
  const list = await listAdapters();
  if (!list.found) return { available: false, reason: list.reason, remedy: list.remedy };
  const adapter = request === undefined ? bestAdapter(list.adapters) : pickAdapter(list.adapters, request);
  if (isHidden(adapter, list.adapters)) {
    return {
      available: false,
      reason: `adapter ${adapterLine(adapter)} has the name of an earlier one, and Dawn's binding for Node selects by name`,
      remedy: 'hide the earlier one from the process, as a container can; see docs/gpu.md',
    };
  }
  return {
    available: true,
    detail: adapterLine(adapter),
    devices: list.adapters.map(adapterLine),
    device: keyText(adapter),
    isSoftware: adapter.isSoftware,
    deviceName: nameOf(adapter),
  };
}

/** The form in which an adapter is passed to the threads that open it. */
const keyText = ({ backend, name }: AdapterKey): string => `${backend}:${name}`;

function keyOf(text: string): AdapterKey {
  const colon = text.indexOf(':');
  return { backend: text.slice(0, colon), name: text.slice(colon + 1) };
}

/**
 * @param device as `availability` names it; the best adapter if none is given
 * @throws LockstepError E_ENGINE_UNAVAILABLE with the remedy
 */
export async function loadWebgpu(
  model: Model,
  device?: string,
  planTuning: PlanTuning = {},
  tuning?: Tuning,
): Promise<WebgpuEngine> {
  const key = keyOf(device ?? (await chosenDevice()));
  const { precision = 'f32' } = planTuning;
  const source: DeviceSource = {
    name: key.name,
    versions: { dawn: dawnVersion() },
    open: (asked) => openDevice(key, asked),
    tunerFor: ({ session, info }, openSession) => {
      // A software device is too slow to measure, and its times would say nothing.
      if (tuning === undefined || info.isFallbackAdapter) return undefined;
      return new TileTuner({
        model,
        cache: new TuningCache(tuning.cacheFolder, environmentOf(key, info)),
        // Only float32 kernels are measured; a half-precision run uses float32 only for the convolution of the images.
        mayMeasure: tuning.mayMeasure && precision === 'f32' && KernelTimer.isSupported(session),
        openSession,
      });
    },
  };
  return openEngine(model, source, planTuning);
}

/** The adapter's description contains its name and driver, if the driver tells them. */
function environmentOf({ backend, name }: AdapterKey, info: GPUAdapterInfo): TuningEnvironment {
  const { vendor, architecture, device, description } = info;
  const versions = { kernels: KERNELS, dawn: dawnVersion() };
  return { vendor, architecture, device, description, backend, name, ...versions };
}

async function chosenDevice(): Promise<string> {
  const found = await availability();
  if (!found.available) throw unavailable(found.reason, found.remedy);
  return found.device ?? ':';
}

async function openDevice(key: AdapterKey, precision: Precision): Promise<OpenedDevice> {
  const url = locateDawn();
  if (url === undefined) throw unavailable('the npm package webgpu is not installed', 'run npm ci');
  try {
    const adapter = await openAdapter(url, key, precision);
    if (adapter === null) {
      throw unavailable('Dawn finds no adapter in this process', 'the command "engines" shows what there is');
    }
    return { session: await Session.open(adapter, precision), info: adapter.info };
  } catch (error) {
    if (error instanceof LockstepError) throw error;
    throw unavailable(describeError(error), 'the command "engines" shows what there is', error);
  }
}

export const webgpuEngine: EngineFactory = {
  name: 'webgpu',
  availability,
  load: (model, _numerics, device, tuning, precision) => loadWebgpu(model, device, { precision }, tuning),
};
