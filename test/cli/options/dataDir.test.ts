import { afterEach, describe, expect, it, vi } from 'vitest';
import type { CommandOptions } from '../../../src/foundation/commandLine.js';
import { dataDirArguments } from '../../../src/cli/options/dataDir.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('the command that continues a run', () => {
  const begun = (...given: string[]): CommandOptions =>
    dataDirArguments({ dataDir: 'data', given: new Set(given) });

  it('names the data only where the environment would lead elsewhere', () => {
    vi.stubEnv('LOCKSTEP_DATA_DIR', undefined);
    expect(begun('dataDir')).toEqual({});
    vi.stubEnv('LOCKSTEP_DATA_DIR', './data');
    expect(begun('dataDir')).toEqual({});
    vi.stubEnv('LOCKSTEP_DATA_DIR', '/elsewhere');
    expect(begun('dataDir')).toEqual({ dataDir: 'data' });
    expect(begun()).toEqual({});
  });
});
