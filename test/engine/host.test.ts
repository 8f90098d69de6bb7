/** What engines say of the host that they run on. */

import os from 'node:os';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { processorName } from '../../src/engine/host.js';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe('the name of the processor', () => {
  it.each([
    [' AMD EPYC ', 'AMD EPYC'],
    ['unknown', os.arch()], // Linux on Arm
    ['', os.arch()],
  ])('where the system says "%s" is %s', (model, expected) => {
    const [processor] = os.cpus();
    vi.spyOn(os, 'cpus').mockReturnValue([{ ...processor!, model }]);
    expect(processorName()).toBe(expected);
  });

  it('is not known in a browser', () => {
    vi.stubGlobal('process', undefined);
    expect(processorName()).toBe('a browser');
  });
});
