import { describe, expect, it } from 'vitest';
import { refuseLittleAddressSpace } from '../../src/worker/addressSpace.js';
import { thrownBy } from '../support/errors.js';

const GUARDED = { limitBytes: 20.48e9, usedBytes: 0.8e9, memoryBytes: 10.74e9, hasGuardRegions: true };
const UNGUARDED = { ...GUARDED, memoryBytes: 0.2e9, hasGuardRegions: false };

describe('a limit of the address space', () => {
  it('is refused where threads would not fit, with the numbers and every remedy', () => {
    const request = { engine: 'simd', threads: 3, withCoordinator: false } as const;
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
    const request = { engine: 'simd', threads: 1, withCoordinator: true } as const;
    const { message } = thrownBy('E_RESOURCES', () => refuseLittleAddressSpace(request, GUARDED));
    expect(message).not.toContain('at most');
    const little = { ...UNGUARDED, limitBytes: 1e9 };
    const { message: other } = thrownBy('E_RESOURCES', () => refuseLittleAddressSpace(request, little));
    expect(other).not.toContain('NODE_OPTIONS');
  });

  it('holds for the memories of engines that have one', () => {
    const request = { threads: 2, withCoordinator: false } as const;
    thrownBy('E_RESOURCES', () => refuseLittleAddressSpace({ ...request, engine: 'wasm' }, GUARDED));
    refuseLittleAddressSpace({ ...request, engine: 'cpu' }, GUARDED);
  });
});
