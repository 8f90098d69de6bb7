/** The part of the WebAssembly interface used here; Node's type definitions do not declare it. */

import { LockstepError } from '../errors.js';

export interface WasmMemory {
  /** Replaced whenever the memory grows. */
  readonly buffer: ArrayBuffer;
  /** Adds pages of 64 KiB. */
  grow(pageCount: number): number;
}

/** May grow while views of it are in use: they stay valid. */
export interface SharedWasmMemory {
  /** Replaced whenever the memory grows; the previous buffer still shows its part of the memory. */
  readonly buffer: SharedArrayBuffer;
  /** Adds pages of 64 KiB. */
  grow(pageCount: number): number;
}

interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>;
}

interface WasmHost {
  readonly Memory: new (limits: { initial: number; maximum: number; shared?: boolean }) => unknown;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: Readonly<Record<string, object>>) => WasmInstance;
  compile(bytes: Uint8Array): Promise<object>;
  instantiate(module: object, imports: Readonly<Record<string, object>>): Promise<WasmInstance>;
}

const host = (globalThis as unknown as { readonly WebAssembly: WasmHost }).WebAssembly;

/** @throws LockstepError E_RESOURCES if there is too little address space */
export const newMemory = (initialPages: number, maximumPages: number): WasmMemory =>
  reserved(() => new host.Memory({ initial: initialPages, maximum: maximumPages })) as WasmMemory;

/** For modules encoded with the same maximum. @throws as newMemory */
export const newSharedMemory = (initialPages: number, maximumPages: number): SharedWasmMemory =>
  reserved(
    () => new host.Memory({ initial: initialPages, maximum: maximumPages, shared: true }),
  ) as SharedWasmMemory;

export const NO_ADDRESS_SPACE =
  'the system gives WebAssembly no address space, of which each memory reserves 10 GB without using them';
export const NO_ADDRESS_SPACE_REMEDY =
  'run "ulimit -v unlimited" first; or set NODE_OPTIONS=--disable-wasm-trap-handler, with which each reserves 4 GB and the bits are the same; or use fewer workers';

/** V8 reserves address space behind a memory, to save address checks. A limit to that is not a lack of memory. */
function reserved<Made>(make: () => Made): Made {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new LockstepError('E_RESOURCES', `${NO_ADDRESS_SPACE}; ${NO_ADDRESS_SPACE_REMEDY}`, {
      cause: error,
    });
  }
}

/** Compiles the bytes of a module and instantiates it over a memory. */
export async function instantiate(bytes: Uint8Array, memory: WasmMemory): Promise<WasmInstance> {
  return host.instantiate(await host.compile(bytes), { arena: { memory } });
}

/** Compiles a small module synchronously, to be instantiated over any memory. */
export function compileNow(bytes: Uint8Array): (memory: SharedWasmMemory) => WasmInstance {
  const module = new host.Module(bytes);
  return (memory) => new host.Instance(module, { arena: { memory } });
}
