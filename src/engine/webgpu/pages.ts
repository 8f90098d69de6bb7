/** The engine in a page: the same kernels and plans, on the browser's own WebGPU instead of Dawn's package for Node. */

import { describeError, LockstepError } from '../../foundation/errors.js';
import type { Model } from '../../model/index.js';
import type { Precision } from '../engine.js';
import { ADAPTER_OPTIONS } from './adapter.js';
import { Session } from './dawn/session.js';
import { openEngine, unavailable } from './openEngine.js';
import type { OpenedDevice } from './openEngine.js';
import type { WebgpuEngine } from './webgpuEngine.js';

const REMEDY = 'use a newer browser, or compute with the processor';

/**
 * Nothing is measured: a browser's timestamps are too coarse for it.
 * @param gpu `navigator.gpu` of a page or a Worker; undefined where the browser has none
 * @throws LockstepError E_ENGINE_UNAVAILABLE
 */
export function loadInPage(model: Model, gpu: GPU | undefined): Promise<WebgpuEngine> {
  return openEngine(model, { name: '', versions: {}, open: (precision) => openDevice(gpu, precision) });
}

async function openDevice(gpu: GPU | undefined, precision: Precision): Promise<OpenedDevice> {
  if (gpu === undefined) throw unavailable('this browser gives Workers no GPU', REMEDY);
  try {
    const adapter = await gpu.requestAdapter(ADAPTER_OPTIONS);
    if (adapter === null) throw unavailable('the browser gives no GPU now', REMEDY);
    return { session: await Session.open(adapter, precision), info: adapter.info };
  } catch (error) {
    if (error instanceof LockstepError) throw error;
    throw unavailable(describeError(error), REMEDY, error);
  }
}
