/** The engine in a page: the same kernels and plans, on the browser's own WebGPU instead of Dawn's package for Node. */

import { describeError, LockstepError } from '../../foundation/errors.js';
import type { Model } from '../../model/index.js';
import type { Precision } from '../engine.js';
import { ADAPTER_OPTIONS, adapterName } from './adapter.js';
import { Session } from './dawn/session.js';
import { openEngine, unavailable } from './openEngine.js';
import type { OpenedDevice } from './openEngine.js';
import type { WebgpuEngine } from './webgpuEngine.js';

const REMEDY = 'use a newer browser, or compute with the processor';

/** The GPU of a page. All engines of a Worker must come from one of these. */
export class PageGpu {
  /** What the node has told of itself holds for this one only. */
  private first: GPUAdapterInfo | undefined;

  /** @param gpu `navigator.gpu` of a page or a Worker; undefined where the browser has none */
  constructor(private readonly gpu: GPU | undefined) {}

  /**
   * Nothing is measured: a browser's timestamps are too coarse for it.
   * @throws LockstepError E_ENGINE_UNAVAILABLE, or E_ENGINE_FAILED for another GPU than before
   */
  load(model: Model): Promise<WebgpuEngine> {
    return openEngine(model, { name: '', versions: {}, open: (precision) => this.open(precision) });
  }

  private async open(precision: Precision): Promise<OpenedDevice> {
    if (this.gpu === undefined) throw unavailable('this browser gives Workers no GPU', REMEDY);
    try {
      const adapter = await this.gpu.requestAdapter(ADAPTER_OPTIONS);
      if (adapter === null) throw unavailable('the browser gives no GPU now', REMEDY);
      const { info } = adapter;
      this.refuseOther(info);
      return { session: await Session.open(adapter, precision), info };
    } catch (error) {
      if (error instanceof LockstepError) throw error;
      throw unavailable(describeError(error), REMEDY, error);
    }
  }

  /** After one was lost, a browser may give another, or one in software. */
  private refuseOther(info: GPUAdapterInfo): void {
    this.first ??= info;
    const { first } = this;
    if (TOLD.every((part) => info[part] === first[part])) return;
    throw new LockstepError(
      'E_ENGINE_FAILED',
      `engine webgpu failed: the browser gives another GPU than before, ${nameOf(info)} instead of ${nameOf(first)}; start again`,
    );
  }
}

const TOLD = ['vendor', 'architecture', 'device', 'description', 'isFallbackAdapter'] as const;

function nameOf(info: GPUAdapterInfo): string {
  return `${adapterName(info)}${info.isFallbackAdapter ? ' (software)' : ''}`;
}
