/** Loads the engine on a device of whoever has one: Dawn in Node, the browser in a page. */

import { LockstepError } from '../../foundation/errors.js';
import type { Model } from '../../model/index.js';
import type { Precision } from '../engine.js';
import { adapterName } from './adapter.js';
import type { Session } from './dawn/session.js';
import type { PlanTuning, TileSource } from './openDevice.js';
import { WebgpuEngine } from './webgpuEngine.js';

/** Changes when the kernels' arithmetic does, or their times: tiles that were measured with others are not used. */
export const KERNELS = 'wgsl-3';

export interface OpenedDevice {
  readonly session: Session;
  readonly info: GPUAdapterInfo;
}

/** Where devices come from. */
export interface DeviceSource {
  /** The device's name for people; empty: what the adapter says of itself. */
  readonly name: string;
  /** Besides the kernels: what compiles them. */
  readonly versions: Readonly<Record<string, string>>;
  /** Opens the device, a further time if asked again. @throws LockstepError E_ENGINE_UNAVAILABLE with the remedy */
  open(precision: Precision): Promise<OpenedDevice>;
  /** Chooses tiles for the device; undefined: the usual ones. */
  tunerFor?(opened: OpenedDevice, openSession: () => Promise<Session>): TileSource | undefined;
}

/** @throws LockstepError E_ENGINE_UNAVAILABLE with the remedy */
export async function openEngine(
  model: Model,
  source: DeviceSource,
  planTuning: PlanTuning = {},
): Promise<WebgpuEngine> {
  const { precision = 'f32' } = planTuning;
  const opened = await source.open(precision);
  const openSession = async (): Promise<Session> => (await source.open(precision)).session;
  const { info } = opened;
  const description = {
    name: 'webgpu',
    device: `${source.name || adapterName(info)}${info.isFallbackAdapter ? ' (software)' : ''}`,
    numericsClass: `webgpu/${classOf(info)}${precision === 'f32' ? '' : `-${precision}`}`,
    exact: false,
    versions: { kernels: KERNELS, ...source.versions },
  } as const;
  const tuner = source.tunerFor?.(opened, openSession);
  return new WebgpuEngine(model, { description, openSession, tuner, ...planTuning }, opened.session);
}

/** Vendor and device, with only letters that a file name may have. */
function classOf({ vendor, architecture, device }: GPUAdapterInfo): string {
  const parts = [vendor, device || architecture].map((part) =>
    part.replace(/[^a-z0-9]+/gi, '-').replace(/^-+|-+$/g, ''),
  );
  return parts.filter((part) => part !== '').join('-') || 'unknown';
}

export function unavailable(reason: string, remedy: string, cause?: unknown): LockstepError {
  return new LockstepError('E_ENGINE_UNAVAILABLE', `engine webgpu cannot run here: ${reason}; ${remedy}`, {
    cause,
  });
}
