/** What a page asks of a GPU before anything is loaded that computes on it. */

/** Of two GPUs the one that computes. */
export const ADAPTER_OPTIONS: GPURequestAdapterOptions = { powerPreference: 'high-performance' };

/** For people. Browsers tell little, so that pages cannot recognise a machine by its GPU. */
export function adapterName({ description, vendor, architecture }: GPUAdapterInfo): string {
  return description || [vendor, architecture].filter((part) => part !== '').join(' ') || 'unnamed adapter';
}
