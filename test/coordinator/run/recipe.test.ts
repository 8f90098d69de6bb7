import { describe, expect, it } from 'vitest';
import { inFlags } from '../../../src/cli/options/inFlags.js';
import { entriesOf } from '../../../src/cli/options/optionTable.js';
import { parseJsonValue, parseValue } from '../../../src/session/options/values.js';
import { changeRecipe } from '../../../src/coordinator/run/changeRecipe.js';
import { recipeSchema, requestRecipe, settleRecipe } from '../../../src/coordinator/run/recipe.js';
import { RECIPE_OPTIONS } from '../../../src/coordinator/run/recipeOptions.js';
import type { RequestedRecipe } from '../../../src/coordinator/run/recipeOptions.js';
import { OptionError } from '../../../src/foundation/options/optionError.js';
import { thrownBy } from '../../support/errors.js';
import { recipe } from '../../support/recipes.js';

const refused = (action: () => unknown): OptionError => {
  const error = thrownBy('E_OPTION', action);
  if (!(error instanceof OptionError)) throw error;
  return error;
};

/** Values just outside the bounds, one or more an option. */
const OUT_OF_BOUNDS: readonly (readonly [keyof RequestedRecipe, unknown])[] = [
  ['dataset', 'my data'],
  ['imageSize', 225],
  ['channels', 'blue'],
  ['badImages', 'repair'],
  ['trainLimit', 0],
  ['valSize', -1],
  ['model', 'res net\n'],
  ['init', ''],
  ['freeze', 'stem, stack1'],
  ['dropout', 1],
  ['epochs', 0],
  ['maxSteps', 0.5],
  ['batchSize', 65537],
  ['microBatch', 4097],
  ['wire', 'float16'],
  ['lr', 0],
  ['momentum', 1],
  ['optimizer', 'adam'],
  ['muonLr', 0],
  ['muonMomentum', 1],
  ['weightDecay', -1],
  ['decayOn', 'none'],
  ['shiftLrFactor', 0],
  ['averaging', 'mean'],
  ['emaDecay', 1],
  ['schedule', 'linear'],
  ['milestones', [2, 1]],
  ['gamma', 0],
  ['warmupEpochs', -1],
  ['finalLr', -1],
  ['patience', -1],
  ['cropPadding', 17],
  ['border', 'edge'],
  ['flip', 'never'],
  ['cutout', -1],
  ['colourJitter', 1],
  ['mixup', -0.1],
  ['labelSmoothing', 1],
  ['evalStatistics', 'none'],
  ['tta', 'all'],
  ['seed', 2 ** 53],
];

describe('the bounds of an option', () => {
  it.each(OUT_OF_BOUNDS)(
    'are the same for a flag, a file, a checkpoint and a program: %s %j',
    (key, value) => {
      const { kind, example } = RECIPE_OPTIONS[key];
      const rule = refused(() => requestRecipe({ [key]: value }))
        .message.split(' must be ')[1]!
        .split(';')[0]!;
      for (const parse of [
        () => parseValue('--flag', String(value), kind, example),
        () => parseJsonValue({ key, file: 'FILE' }, value, kind, example),
      ]) {
        expect(thrownBy('E_OPTION', parse).message).toContain(`must be ${rule};`);
      }
      const { error } = recipeSchema.safeParse({ ...recipe(), [key]: value });
      expect(error?.issues.map(({ path }) => path)).toEqual([[key]]);
    },
  );

  it('are tried here for every option but switches, which have none', () => {
    const withBounds = entriesOf(RECIPE_OPTIONS).filter(({ kind }) => kind.kind !== 'switch');
    expect(OUT_OF_BOUNDS.map(([key]) => key)).toEqual(withBounds.map(({ key }) => key));
  });

  it.each(entriesOf(RECIPE_OPTIONS).map((entry) => [entry.key, entry] as const))(
    'include default and example: %s',
    (key, { kind, default: byDefault, example }) => {
      const place = { key, file: 'FILE' };
      if (kind.kind === 'switch') expect(example).toBe(String(byDefault !== true));
      else expect(() => parseValue('--flag', example, kind, '')).not.toThrow();
      expect(parseJsonValue(place, byDefault, kind, '')).toEqual(byDefault);
    },
  );
});

describe('a recipe in a file', () => {
  it('of an older version has what that version did', () => {
    const { cropPadding: _c, labelSmoothing: _l, finalLr: _f, ...older } = recipe();
    expect(recipeSchema.parse(older)).toEqual({ ...older, cropPadding: 4, labelSmoothing: 0, finalLr: 0 });
  });

  it.each([
    ['a key that is no option', { ...recipe(), learningRate: 1 }],
    ['a word that was never decided', { ...recipe(), dataset: 'auto' }],
    ['a number in a text', { ...recipe(), lr: '0.1' }],
    ['no seed', { ...recipe(), seed: undefined }],
  ])('is refused with %s', (_what, content) => {
    expect(recipeSchema.safeParse(content).success).toBe(false);
  });
});

describe('a program asks for a recipe', () => {
  it('and gets the defaults for the rest, the micro-batch by the batch', () => {
    expect(requestRecipe({ epochs: 3 })).toMatchObject({
      epochs: 3,
      lr: 0.1,
      dataset: 'auto',
      microBatch: 32,
    });
    expect(requestRecipe({ batchSize: 50 }).microBatch).toBe(25);
    expect(settleRecipe(requestRecipe({}), 'synthetic').dataset).toBe('synthetic');
  });

  it('and is told in its own words what is wrong, with remedies as data', () => {
    const error = refused(() => requestRecipe({ batchSize: 100, microBatch: 32 }));
    expect(error.message).toBe(
      'batchSize 100 must be a multiple of microBatch 32; use batchSize 96 or 128, or microBatch 25',
    );
    expect(refused(() => requestRecipe({ batchSize: 53 })).message).toBe(
      'batchSize 53 cannot be cut into micro-batches of 8 to 32 samples: it has no such divisor; use batchSize 32 or 64, or microBatch 53',
    );
    expect(refused(() => requestRecipe({ batchSize: 65521 })).message).toMatch(
      /no such divisor; use batchSize 65504 or 65536$/,
    );
    expect(error.remedies).toEqual([
      { kind: 'use', option: 'batchSize', values: [96, 128] },
      { kind: 'use', option: 'microBatch', values: [25] },
    ]);
    expect(refused(() => requestRecipe({ augment: false, cropPadding: 2 })).message).toBe(
      'cropPadding 2 has no effect with augment false; use augment true, or leave cropPadding out',
    );
    expect(refused(() => requestRecipe({ learningRate: 1 } as never)).message).toMatch(
      /^"learningRate" is not/,
    );
    expect(refused(() => requestRecipe({ lr: '1' } as never)).message).toBe(
      'lr 1 must be a number above 0; for example lr 0.1',
    );
  });
});

describe('the command line puts an error into flags', () => {
  it.each<[Partial<RequestedRecipe>, string]>([
    [
      { batchSize: 100, microBatch: 32 },
      '--batch-size 100 must be a multiple of --micro-batch 32; use --batch-size 96 or 128, or --micro-batch 25',
    ],
    [{ nesterov: true, momentum: 0 }, '--nesterov needs a momentum above 0; use --momentum 0.9'],
    [
      { augment: false, cropPadding: 2 },
      '--crop-padding 2 has no effect with --no-augment; leave --no-augment out, or leave --crop-padding out',
    ],
  ])('%j', (asked, message) => {
    const error = inFlags(refused(() => requestRecipe(asked)));
    expect(error).toMatchObject({ code: 'E_OPTION', message });
  });

  it('and leaves others alone', () => {
    const other = new Error('of something else');
    expect(inFlags(other)).toBe(other);
  });
});

describe('a resumed run', () => {
  it('may change where it ends', () => {
    expect(changeRecipe(recipe(), { epochs: 9, patience: 1 }, 'the run')).toEqual(
      recipe({ epochs: 9, patience: 1 }),
    );
    expect(changeRecipe(recipe({ maxSteps: 3 }), { maxSteps: null }, 'the run').maxSteps).toBeNull();
    expect(changeRecipe(recipe(), { dataset: 'auto', lr: 0.1 }, 'the run')).toEqual(recipe());
  });

  it('is held to the same rules as a new one', () => {
    const warmed = recipe({ warmupEpochs: 1.5 });
    expect(refused(() => changeRecipe(warmed, { epochs: 1 }, 'the run')).message).toMatch(
      /^warmupEpochs 1\.5 must be below epochs 1/,
    );
    expect(refused(() => changeRecipe(recipe({ valSize: 0 }), { patience: 3 }, 'the run')).message).toMatch(
      /^patience 3 needs validation samples/,
    );
  });

  it('is told in flags what it cannot change', () => {
    const told = (asked: Partial<RequestedRecipe>): unknown =>
      inFlags(refused(() => changeRecipe(recipe(), asked, 'the run in runs/a')));
    expect(told({ augment: false })).toMatchObject({
      message:
        '--no-augment contradicts the run in runs/a, which began without it; leave --no-augment out, or start a new run',
    });
    expect(told({ trainLimit: 10 })).toMatchObject({
      message:
        '--train-limit 10 contradicts the run in runs/a, which has none; leave --train-limit out, or start a new run',
    });
  });
});
