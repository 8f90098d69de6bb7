/**
 * Which adapters this machine has. Dawn is asked in a separate process, so a driver that crashes costs only an answer, not
 * a run. Dawn's binding for Node lists adapters only in the error that it raises for a name that no adapter has.
 */

import { advice, OptionError } from '../../../foundation/options/optionError.js';
import { probe } from '../../tfjs/optionalPackage.js';
import { locateDawn } from './dawn.js';
import type { AdapterKey } from './dawn.js';

export interface AdapterDescription extends AdapterKey {
  /** The number that the option takes. */
  readonly index: number;
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** Computes on the processor, far more slowly than other engines. */
  readonly isSoftware: boolean;
}

export type AdapterList =
  | { readonly found: true; readonly adapters: readonly AdapterDescription[] }
  | { readonly found: false; readonly reason: string; readonly remedy: string };

export const INSTALL_REMEDY = 'run npm ci without --omit=optional, or npm install --no-save webgpu';
const DRIVER_REMEDY = 'install the driver of your GPU (docs/gpu.md says which)';
const LOADER_REMEDY =
  'install the Vulkan loader (on Debian and Ubuntu: apt install libvulkan1) and the driver of your GPU (docs/gpu.md)';

/** What a browser would use. Older interfaces list the same device again, with fewer features. */
const BACKENDS = ['vulkan', 'metal', 'd3d12'];

export async function listAdapters(): Promise<AdapterList> {
  const url = locateDawn();
  if (url === undefined) {
    return { found: false, reason: 'the npm package webgpu is not installed', remedy: INSTALL_REMEDY };
  }
  const result = await probe<Omit<AdapterDescription, 'index'>[]>(probeSource(url));
  if (!result.succeeded) {
    const isBinary = /dawn\.node|Cannot find module|invalid ELF|GLIBC/.test(result.reason);
    const remedy = isBinary ? 'use another engine: Dawn has no binary that runs here' : DRIVER_REMEDY;
    return { found: false, reason: `Dawn failed: ${result.reason}`, remedy };
  }
  if (result.report.length === 0) return { found: false, ...reasonForNone(result.stderr) };
  return { found: true, adapters: result.report.map((adapter, index) => ({ ...adapter, index })) };
}

/** Dawn prints on standard error why it found nothing. */
function reasonForNone(stderr: string): { reason: string; remedy: string } {
  if (stderr.includes("Couldn't load Vulkan")) {
    return { reason: 'there is no Vulkan loader (libvulkan.so.1)', remedy: LOADER_REMEDY };
  }
  if (/Found no drivers|INCOMPATIBLE_DRIVER/.test(stderr)) {
    return { reason: 'the Vulkan loader finds no driver', remedy: DRIVER_REMEDY };
  }
  return { reason: 'Dawn finds no adapter that it can use', remedy: DRIVER_REMEDY };
}

/** JavaScript that returns the descriptions, without the indices. */
function probeSource(url: string): string {
  return `await (async () => {
    const { create } = await load(${JSON.stringify(url)});
    const describe = async (key, flags) => {
      const adapter = await create(flags).requestAdapter({ powerPreference: 'high-performance' });
      if (!adapter) return [];
      const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
      return [{ ...key, vendor, architecture, device, description, isSoftware: isFallbackAdapter === true }];
    };
    let listing = '';
    try {
      if (await create(['adapter=\\u0001']).requestAdapter() === null) return [];
    } catch (error) {
      listing = String(error);
    }
    const found = [];
    for (const [, backend, name] of listing.matchAll(/backend: '([^']*)', name: '(.*)'/g)) {
      if (!${JSON.stringify(BACKENDS)}.includes(backend)) continue;
      try {
        found.push(...await describe({ backend, name }, ['backend=' + backend, 'adapter=' + name]));
      } catch {}
    }
    return found.length > 0 ? found : describe({ backend: '', name: '' }, []);
  })()`;
}

/** The name that people know: the driver's, else Dawn's. */
export function nameOf({ name, description, vendor, device, architecture }: AdapterDescription): string {
  const parts = [vendor, device || architecture].filter((part) => part !== '');
  return name || description || parts.join(' ') || 'unnamed adapter';
}

export function adapterLine(adapter: AdapterDescription): string {
  const { index, vendor, backend, isSoftware } = adapter;
  const kind = isSoftware ? 'software, slow' : 'GPU';
  return `${index}: ${nameOf(adapter)} (${[vendor, backend, kind].filter((part) => part !== '').join(', ')})`;
}

/** The first real GPU, else the first adapter. */
export function bestAdapter(adapters: readonly AdapterDescription[]): AdapterDescription {
  return adapters.find(({ isSoftware }) => !isSoftware) ?? adapters[0]!;
}

/**
 * @param request an index, or a name or a part of one in any case
 * @throws LockstepError E_OPTION with the list if none or several match
 */
export function pickAdapter(adapters: readonly AdapterDescription[], request: string): AdapterDescription {
  const wanted = request.trim().toLowerCase();
  const named = (adapter: AdapterDescription): string => nameOf(adapter).toLowerCase();
  const byIndex = /^\d+$/.test(wanted) ? adapters.filter(({ index }) => index === Number(wanted)) : [];
  const exact = adapters.filter((adapter) => named(adapter) === wanted);
  const partial = wanted === '' ? [] : adapters.filter((adapter) => named(adapter).includes(wanted));
  const matches = [byIndex, exact, partial].find((candidates) => candidates.length > 0) ?? [];
  if (matches.length === 1) return matches[0]!;
  const problem = matches.length === 0 ? 'matches none of the adapters' : 'matches several of the adapters';
  throw new OptionError(
    [{ option: 'device', value: request }, ` ${problem}`],
    [advice(`use an index of: ${adapters.map(adapterLine).join('; ')}`)],
  );
}

/** Adapters with the name of an earlier one: Dawn selects by name, and cannot reach them. */
export function isHidden(adapter: AdapterDescription, adapters: readonly AdapterDescription[]): boolean {
  return adapters.some(
    ({ index, name, backend }) =>
      index < adapter.index && name === adapter.name && backend === adapter.backend,
  );
}
