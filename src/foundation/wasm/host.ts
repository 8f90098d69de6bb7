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

const NO_ADDRESS_SPACE =
  'the system gives WebAssembly no address space, of which each memory reserves 8 to 11 GB without using them';
const NO_ADDRESS_SPACE_REMEDY =
  'run "ulimit -v unlimited" first; or set NODE_OPTIONS=--disable-wasm-trap-handler, with which each reserves far less and the bits are the same; or use fewer workers';

/**
 * V8 reserves 10.7 GB (8.6 since V8 13) for each memory, whatever its maximum, so that it need not check addresses: what lies
 * behind the memory traps. Without the trap handler it checks them, and reserves the maximum, or less where there is less. Only
 * a flag of Node turns the handler off. A limit to such addresses (`ulimit -v`) is not lack of memory.
 */
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

/** A module, to be instantiated over any memory, or over none if it imports none. */
export type CompiledModule = (memory?: WasmMemory | SharedWasmMemory) => WasmInstance;

export async function compile(bytes: Uint8Array): Promise<CompiledModule> {
  return overMemory(await host.compile(bytes));
}

/** For a module of a few kilobytes, whose compilation is not worth waiting for. */
export function compileNow(bytes: Uint8Array): CompiledModule {
  return overMemory(new host.Module(bytes));
}

const overMemory =
  (module: object): CompiledModule =>
  (memory) =>
    new host.Instance(module, memory === undefined ? {} : { arena: { memory } });
