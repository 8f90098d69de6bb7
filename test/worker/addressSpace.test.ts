import { describe, expect, it } from 'vitest';
import { refuseLittleAddressSpace } from '../../src/worker/addressSpace.js';
import { thrownBy } from '../support/errors.js';

const GUARDED = { limitBytes: 20.48e9, usedBytes: 0.8e9, memoryBytes: 10.74e9, hasGuardRegions: true };
const UNGUARDED = { ...GUARDED, memoryBytes: 0.2e9, hasGuardRegions: false };

/** Of a thread of engine simd, and nothing besides. */
const ONE_MEMORY = { engine: 'simd', threads: 1, coordinatorMemories: 0, isWireCompact: false } as const;

describe('a limit of the address space', () => {
  it('is refused where threads would not fit, with the numbers and every remedy', () => {
    const request = { ...ONE_MEMORY, threads: 3 };
    const { message } = thrownBy('E_RESOURCES', () => refuseLittleAddressSpace(request, GUARDED));
    expect(message).toContain('3 worker thread(s) reserve about 35.2 GB');
    expect(message).toContain('leaves 19.7 GB');
    expect(message).toMatch(
      /ulimit -v unlimited.*NODE_OPTIONS=--disable-wasm-trap-handler.*at most 1 worker/,
    );
    refuseLittleAddressSpace({ ...request, threads: 1 }, GUARDED);
    refuseLittleAddressSpace(request, UNGUARDED);
  });

  it('counts the memory of a coordinator in the same process, and offers no remedy that does not help', () => {
    const request = { ...ONE_MEMORY, coordinatorMemories: 1 };
    const { message } = thrownBy('E_RESOURCES', () => refuseLittleAddressSpace(request, GUARDED));
    expect(message).not.toContain('at most');
    const little = { ...UNGUARDED, limitBytes: 1e9 };
    const { message: other } = thrownBy('E_RESOURCES', () => refuseLittleAddressSpace(request, little));
    expect(other).not.toContain('NODE_OPTIONS');
  });

  it('counts the memories of a compact wire form: one in each thread, and one in the process', () => {
    const space = (memories: number): typeof GUARDED => ({
      ...GUARDED,
      limitBytes: GUARDED.usedBytes + 1e9 + memories * GUARDED.memoryBytes,
    });
    const request = { ...ONE_MEMORY, isWireCompact: true };
    refuseLittleAddressSpace(ONE_MEMORY, space(1));
    thrownBy('E_RESOURCES', () => refuseLittleAddressSpace(request, space(2)));
    refuseLittleAddressSpace(request, space(3));
    thrownBy('E_RESOURCES', () => refuseLittleAddressSpace({ ...request, engine: 'cpu' }, space(1)));
    refuseLittleAddressSpace({ ...request, engine: 'cpu' }, space(2));
    refuseLittleAddressSpace(request, { ...UNGUARDED, limitBytes: 2.1e9 }); // then it takes a page each
    const up = { ...space(3), limitBytes: space(3).limitBytes - 1e9 };
    thrownBy('E_RESOURCES', () => refuseLittleAddressSpace(request, up));
    refuseLittleAddressSpace({ ...request, areThreadsUp: true }, up);
  });

  it('counts a second memory of the coordinator, as the optimizer muon has', () => {
    const request = { ...ONE_MEMORY, coordinatorMemories: 2 };
    const { message } = thrownBy('E_RESOURCES', () => refuseLittleAddressSpace(request, GUARDED));
    expect(message).toContain('1 worker thread(s) reserve about 33.2 GB');
  });

  it('holds for the memories of engines that have one', () => {
    const request = { ...ONE_MEMORY, threads: 2 };
    thrownBy('E_RESOURCES', () => refuseLittleAddressSpace({ ...request, engine: 'wasm' }, GUARDED));
    refuseLittleAddressSpace({ ...request, engine: 'cpu' }, GUARDED);
  });
});
