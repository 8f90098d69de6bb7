import { describe, expect, it } from 'vitest';
import { parseSavedConfig } from '../../src/session/savedConfig.js';
import type { SavedConfig } from '../../src/session/savedConfig.js';
import { thrownBy } from '../support/errors.js';
import { recipe } from '../support/recipes.js';

const FILE = 'runs/one/config.json';

function parse(content: unknown, ...given: string[]): SavedConfig {
  return parseSavedConfig({ file: FILE, content, recipe: recipe({ maxSteps: 7 }), given: new Set(given) });
}

/** As a run writes it. */
const WRITTEN = {
  ...recipe({ maxSteps: 7 }),
  ...{ dataDir: '/data', engine: 'simd', numerics: 'auto', checkpointEvery: 50, test: true },
  ...{ workers: 0, minWorkers: 1, waitTimeout: 30, versions: { lockstep: '0.1.0' }, host: { device: null } },
};

describe('the config.json of a resumed run', () => {
  it('gives its settings, and nothing to say', () => {
    const { settings, notices } = parse(WRITTEN);
    expect(settings).toMatchObject({ dataDir: '/data', engine: 'simd', checkpointEvery: 50, test: true });
    expect(notices).toEqual([]);
  });

  it.each([
    ['test', 'no', /"test".*"no" must be true or false/],
    ['checkpointEvery', 0, /"checkpointEvery".*0 must be an integer of at least 1/],
    ['checkpointEvery', 'abc', /"abc" must be an integer/],
    ['dataDir', 5, /"dataDir".*5 must be a non-empty text/],
    ['dataDir', {}, /"dataDir".*must be a non-empty text/],
    ['engine', 'abacus', /must be one of auto, simd/],
    ['numerics', 3, /must be one of auto, simd/],
    ['device', [], /must be a non-empty text/],
  ])('is held to what options may say: %s %j', (key, value, message) => {
    const error = thrownBy('E_OPTION', () => parse({ ...WRITTEN, [key]: value }));
    expect(error.message).toMatch(message);
    expect(error.message).toContain(FILE);
    expect(parse({ ...WRITTEN, [key]: value }, key).settings).not.toHaveProperty(key); // given anew: not looked at
  });

  it.each([null, [], 'text', 5])('must be an object: %j', (content) => {
    const { message } = thrownBy('E_CHECKPOINT', () => parse(content));
    expect(message).toMatch(/one JSON object; put it back, or remove it/);
  });

  it('may be missing, which is said', () => {
    expect(parse(undefined)).toEqual({ settings: {}, notices: [expect.stringContaining('is missing')] });
  });

  it.each([
    ['lr', 0.2, '"lr": 0.2, but the run began with 0.1'],
    ['maxSteps', null, '"maxSteps": null, but the run began with 7'],
    ['augment', 'no', '"augment": "no", but the run began with true'],
  ])('tells that an edit of the recipe has no effect: %s %j', (key, value, notice) => {
    const { notices } = parse({ ...WRITTEN, [key]: value });
    expect(notices).toEqual([expect.stringContaining(notice)]);
    expect(parse({ ...WRITTEN, [key]: value }, key).notices).toEqual([]);
  });

  it('tells of keys that are none', () => {
    const { notices } = parse({ ...WRITTEN, 'lr\u001b[2J': 1 });
    expect(notices).toEqual([expect.stringContaining('no option here')]);
    expect(notices[0]).not.toContain('\u001b');
  });

  it.each([
    ['seed', 2],
    ['seed', '1'],
    ['model', 'resnet20'],
    ['dataset', null],
  ])('is of another run if it has %s %j', (key, value) => {
    expect(thrownBy('E_CHECKPOINT', () => parse({ ...WRITTEN, [key]: value })).message).toContain(
      `its ${key} is`,
    );
  });
});
