/** Whether the tab computes with the processor or on the GPU. A GPU gives other bits: only a person chooses it. */

import { ADAPTER_OPTIONS, adapterName } from '../../engine/webgpu/adapter.js';
import { byId } from '../live/dom.js';
import type { PageEngine } from './node/talk.js';

/** As in Node: one thread uploads while another's micro-batch is computed. */
export const GPU_THREADS = 2;

const place = byId('engine', HTMLElement);
const processor = byId('on-processor', HTMLInputElement);
const gpu = byId('on-gpu', HTMLInputElement);

export function chosenEngine(): PageEngine {
  return gpu.checked ? 'webgpu' : 'simd';
}

export function chooseGpu(): void {
  gpu.checked = true;
}

/**
 * Offers the GPU, if the browser gives one.
 * @param onChange when somebody has chosen the other
 * @returns why there is no choice; undefined if there is
 */
export async function offerGpu(onChange: () => void): Promise<string | undefined> {
  for (const input of [processor, gpu]) input.addEventListener('change', onChange);
  const { gpu: access } = navigator as Partial<Navigator>;
  if (!access) return isSecureContext ? NO_WEBGPU : NOT_SECURE;
  const adapter = await access.requestAdapter(ADAPTER_OPTIONS).catch(() => null);
  if (adapter === null) return NO_ADAPTER;
  const { info } = adapter;
  const kind = info.isFallbackAdapter ? ', emulated on the processor: slow' : '';
  byId('gpu-shown', HTMLElement).textContent =
    `the GPU (${adapterName(info)}${kind}): other bits, and the run says exact: false`;
  place.hidden = false;
  return undefined;
}

const NO_WEBGPU = 'This browser lets no page compute on a GPU.';
const NOT_SECURE = 'A page of plain HTTP from another machine may not compute on the GPU.';
const NO_ADAPTER = 'The browser found no GPU that a page may compute on.';
