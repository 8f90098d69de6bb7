import { describe, expect, it } from 'vitest';
import { withRemembered } from '../../../src/session/options/remembered.js';
import { RUN_SETTINGS, SESSION_SETTINGS } from '../../../src/session/options/settings.js';
import type { RunSettings } from '../../../src/session/options/settings.js';
import { keysOf } from '../../../src/session/trainingOptions.js';
import type { TrainingOptions } from '../../../src/session/trainingOptions.js';

const DEFAULTS = Object.fromEntries(
  Object.entries(RUN_SETTINGS).map(([key, definition]) => [key, definition.default]),
) as unknown as RunSettings;

function settings(saved: Partial<RunSettings>, now: Partial<RunSettings> = {}): RunSettings {
  const given = new Set(Object.keys(now));
  return withRemembered<RunSettings>(RUN_SETTINGS, { ...DEFAULTS, ...now }, { saved, given });
}

describe('a setting of a resumed run', () => {
  it('is what the environment says of this machine, not what it was', () => {
    const environment = new Map([['dataDir', 'LOCKSTEP_DATA_DIR']]);
    const given = keysOf({ given: new Set(), environment } as unknown as TrainingOptions);
    const now = { ...DEFAULTS, dataDir: '/here' };
    const saved = { dataDir: '/there', checkpointEvery: 7 };
    const kept = withRemembered<RunSettings>(RUN_SETTINGS, now, { saved, given });
    expect(kept).toEqual({ ...now, checkpointEvery: 7 });
  });

  it('is what is given now, else what it was, else the default', () => {
    const saved = { dataDir: '/data', checkpointEvery: 7 };
    expect(settings(saved)).toEqual({ ...DEFAULTS, ...saved });
    expect(settings(saved, { checkpointEvery: 9 })).toEqual({ ...DEFAULTS, ...saved, checkpointEvery: 9 });
    expect(settings({})).toEqual(DEFAULTS);
  });

  it('is not kept where it belongs to an engine and another engine is given', () => {
    const saved = { engine: 'webgpu', device: '1', precision: 'f16', numerics: 'simd', tune: false } as const;
    expect(settings(saved)).toMatchObject(saved);
    expect(settings(saved, { engine: 'simd' })).toEqual({ ...DEFAULTS, engine: 'simd' });
  });

  it('is not kept where it belongs to one session', () => {
    const now = { runDir: undefined, test: false, json: false };
    const saved = { runDir: 'runs/a', test: true, json: true } as unknown as typeof now;
    const kept = withRemembered(SESSION_SETTINGS, now, { saved, given: new Set() });
    expect(kept).toEqual({ ...now, test: true });
  });
});
