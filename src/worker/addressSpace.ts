/**
 * Whether a limit of the address space (`ulimit -v`) has room for worker threads. V8 ends the whole process where it finds
 * none for a thread's code, so this is asked before threads are started.
 */

import { readFileSync } from 'node:fs';
import type { EngineName } from '../engine/index.js';
import { LockstepError } from '../foundation/errors.js';

export interface AddressSpace {
  readonly limitBytes: number;
  readonly usedBytes: number;
  /** What each WebAssembly memory reserves. */
  readonly memoryBytes: number;
  /** Whether that is so because V8 reserves room behind a memory, instead of checking addresses. */
  readonly hasGuardRegions: boolean;
}

export interface SpaceRequest {
  readonly engine: EngineName;
  readonly threads: number;
  /** Of the coordinator's vectors; 0 if it does not compute in this process. */
  readonly coordinatorMemories: number;
  /** Whether gradients travel in a compact form: its kernels have a memory in each thread, and one in the process. */
  readonly isWireCompact: boolean;
  /** Whether the threads have their code, heap and stack already. Left out: they are not started. */
  readonly areThreadsUp?: boolean;
}

const KIB = 1024;
const FLAG = '--disable-wasm-trap-handler';
/** Of a thread's code, heap and stack; measured on Node 20, 22 and 24. */
const THREAD_BYTES = 1.0e9;
/** With guard regions, whatever a memory's maximum; measured. */
const GUARDED_BYTES = 10.74e9;
const GUARDED_BYTES_SINCE_V8_13 = 8.6e9;
/** Without them a memory reserves its maximum: for the usual models and micro-batches, less than this. */
const UNGUARDED_BYTES = 0.2e9;
const ENGINES_WITH_A_MEMORY: ReadonlySet<EngineName> = new Set(['simd', 'wasm']);

/** @throws LockstepError E_RESOURCES if the limit leaves too little */
export function refuseLittleAddressSpace(
  request: SpaceRequest,
  space: AddressSpace | undefined = addressSpace(),
): void {
  if (space === undefined) return;
  const { limitBytes, usedBytes, memoryBytes, hasGuardRegions } = space;
  const { engine, threads, coordinatorMemories, isWireCompact, areThreadsUp = false } = request;
  const leftBytes = limitBytes - usedBytes;
  const kernelBytes = isWireCompact && hasGuardRegions ? memoryBytes : 0; // else a page
  const engineBytes = ENGINES_WITH_A_MEMORY.has(engine) ? memoryBytes : 0;
  const perThreadBytes = (areThreadsUp ? 0 : THREAD_BYTES) + engineBytes + kernelBytes;
  const ownBytes = coordinatorMemories * memoryBytes + kernelBytes;
  const neededBytes = ownBytes + threads * perThreadBytes;
  if (neededBytes <= leftBytes) return;
  const fitting = Math.floor((leftBytes - ownBytes) / perThreadBytes);
  const remedies = [
    'raise it ("ulimit -v unlimited")',
    ...(hasGuardRegions
      ? [`set NODE_OPTIONS=${FLAG}, with which WebAssembly reserves far less and the bits are the same`]
      : []),
    ...(fitting > 0 ? [`use at most ${fitting} worker thread(s)`] : []),
  ];
  throw new LockstepError(
    'E_RESOURCES',
    `${threads} worker thread(s) reserve about ${gigabytes(neededBytes)} GB of address space, ` +
      `and the limit (ulimit -v) leaves ${gigabytes(Math.max(0, leftBytes))} GB; ${remedies.join('; or ')}`,
  );
}

/** Of this process; undefined where it is not limited, or not known to be. */
function addressSpace(): AddressSpace | undefined {
  try {
    const limit = /^Max address space +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    const used = /^VmSize:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (limit === undefined || used === undefined) return undefined;
    const hasGuardRegions = !flagsOfNode().includes(FLAG);
    return {
      limitBytes: Number(limit),
      usedBytes: Number(used) * KIB,
      memoryBytes: hasGuardRegions ? guardedBytes() : UNGUARDED_BYTES,
      hasGuardRegions,
    };
  } catch {
    return undefined; // not Linux
  }
}

function flagsOfNode(): string {
  // eslint-disable-next-line no-restricted-properties -- flags of Node, not of Lockstep
  return [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' ');
}

function guardedBytes(): number {
  return Number.parseInt(process.versions.v8, 10) >= 13 ? GUARDED_BYTES_SINCE_V8_13 : GUARDED_BYTES;
}

const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);
