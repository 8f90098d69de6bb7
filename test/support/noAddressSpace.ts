/** Until the test ends, WebAssembly gets no address space, as under `ulimit -v`. */

import { onTestFinished } from 'vitest';

interface Host {
  Memory: unknown;
}

export function withoutAddressSpace(): void {
  const host = (globalThis as unknown as { readonly WebAssembly: Host }).WebAssembly;
  const { Memory } = host;
  host.Memory = function () {
    throw new RangeError('WebAssembly.Memory(): could not allocate memory');
  };
  onTestFinished(() => void (host.Memory = Memory));
}
