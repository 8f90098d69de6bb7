/** The part of the host's WebAssembly interface that is used here; Node's type definitions leave it to browsers' ones. */

export interface WasmMemory {
  /** Replaced whenever the memory grows. */
  readonly buffer: ArrayBuffer;
  /** Adds pages of 64 KiB. */
  grow(pageCount: number): number;
}

interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>;
}

interface WasmHost {
  readonly Memory: new (limits: { initial: number; maximum?: number }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: Readonly<Record<string, object>>) => WasmInstance;
  compile(bytes: Uint8Array): Promise<object>;
  instantiate(module: object, imports: Readonly<Record<string, object>>): Promise<WasmInstance>;
}

const host = (globalThis as unknown as { readonly WebAssembly: WasmHost }).WebAssembly;

export const newMemory = (initialPages: number, maximumPages: number): WasmMemory =>
  new host.Memory({ initial: initialPages, maximum: maximumPages });

/** Compiles the bytes of a module and instantiates it over a memory. */
export async function instantiate(bytes: Uint8Array, memory: WasmMemory): Promise<WasmInstance> {
  return host.instantiate(await host.compile(bytes), { arena: { memory } });
}

/** The same, at once: for modules of a few kilobytes, whose compilation is not worth waiting for. */
export function instantiateNow(bytes: Uint8Array, memory: WasmMemory): WasmInstance {
  return new host.Instance(new host.Module(bytes), { arena: { memory } });
}
