import { describe, expect, it } from 'vitest';
import { CHECK_GROUPS, CHECKS, chosenChecks, runChecks } from '../../src/check/index.js';
import { checkedSubject } from '../support/checkedSubject.js';
import { PLANTED_FAULTS } from '../support/plantedFaults.js';

const sound = await checkedSubject();
const { signal } = new AbortController();
const planted = (fault: string) => PLANTED_FAULTS.find((each) => each.fault === fault)!.plant(sound);

describe('the list of checks', () => {
  it('has names of its own, and every group', () => {
    const names = CHECKS.map(({ name }) => name);
    expect(new Set([...names, ...CHECK_GROUPS]).size).toBe(names.length + CHECK_GROUPS.length);
    expect([...new Set(CHECKS.map(({ group }) => group))]).toEqual([...CHECK_GROUPS]);
  });

  it('has each check after those that it needs', () => {
    const names = CHECKS.map(({ name }) => name);
    for (const [place, { needs = [] }] of CHECKS.entries()) {
      for (const need of needs) expect(names.slice(0, place)).toContain(need);
    }
  });
});

describe('the choice of checks', () => {
  const namesOf = (...given: Parameters<typeof chosenChecks>) =>
    chosenChecks(...given).map(({ name }) => name);

  it('is by name and by group', () => {
    expect(namesOf({ only: ['start', 'classes'] })).toEqual([
      'classes',
      'initial-loss',
      'activations',
      'filters',
    ]);
    expect(namesOf({ only: ['start'], skip: ['filters'] })).toEqual(['initial-loss', 'activations']);
    expect(namesOf({})).toHaveLength(CHECKS.length);
  });

  it('refuses a name that none has, and a choice of none', () => {
    expect(() => chosenChecks({ only: ['labls'] })).toThrow(/"labls" is neither a check nor a group.*labels/);
    expect(() => chosenChecks({ only: ['start'], skip: ['start'] })).toThrow(/no check is left/);
  });
});

describe('runChecks', () => {
  it('tells of each check before and after it', async () => {
    const told: string[] = [];
    const findings = await runChecks(sound, {
      only: ['classes', 'steps'],
      signal,
      onStart: (name, place, total) => told.push(`${place}/${total} ${name}`),
      onFinding: ({ name, verdict }) => told.push(`${name} ${verdict}`),
    });
    expect(told).toEqual(['0/2 classes', 'classes pass', '1/2 steps', 'steps pass']);
    expect(findings.map(({ group }) => group)).toEqual(['data', 'schedule']);
  });

  it('leaves out what rests on a check that failed, and says on which', async () => {
    const findings = await runChecks(planted('all-zero initialisation of a layer'), {
      only: ['activations', 'gradients'],
      signal,
    });
    expect(findings).toMatchObject([
      { name: 'activations', verdict: 'fail' },
      { name: 'gradients', verdict: 'left-out', leftOut: 'it rests on activations, which failed' },
    ]);
  });

  it('runs a check whose needs were not asked for', async () => {
    const findings = await runChecks(planted('all-zero initialisation of a layer'), {
      only: ['gradients'],
      signal,
    });
    expect(findings).toMatchObject([{ name: 'gradients', verdict: 'fail' }]);
  });

  it('ends when it is told to', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const running = runChecks(sound, {
      signal: controller.signal,
      onFinding: () => controller.abort(reason),
    });
    await expect(running).rejects.toBe(reason);
  });

  it('changes nothing of what it looks at', async () => {
    const before = JSON.stringify([
      sound.recipe,
      sound.model.description,
      [...sound.data.split.training.subarray(0, 9)],
    ]);
    await runChecks(sound, { only: ['gradients', 'micro-batch'], signal });
    expect(
      JSON.stringify([sound.recipe, sound.model.description, [...sound.data.split.training.subarray(0, 9)]]),
    ).toBe(before);
  });
});

/** Faults that few short checks find, so that they can be told of without waiting for all checks. */
describe('a warning', () => {
  const seenBy = async (check: string, subject: typeof sound) =>
    (await runChecks(subject, { only: [check], signal }))[0];

  it.each([
    ['rate-end', { epochs: 10, milestones: [20] }, /from 0\.1 at its peak to 0\.1/],
    [
      'rate-end',
      { schedule: 'multistep', milestones: [1, 2, 3, 4, 5, 6], epochs: 200 } as const,
      /below 1\.0e-6 in the last/,
    ],
    ['warm-up', { epochs: 10, warmupEpochs: 8 }, /reached after 128 of 160 steps/],
    ['warm-up', { epochs: 10, warmupEpochs: 8, maxSteps: 100 }, /reached after 9\d of 100 steps/],
  ])('is given by %s for %o', async (check, recipe, seen) => {
    const finding = await seenBy(check, { ...sound, recipe: { ...sound.recipe, ...recipe } });
    expect(finding).toMatchObject({ verdict: 'warn' });
    expect('seen' in finding! && finding.seen).toMatch(seen);
  });

  it.each(['onecycle', 'cosine', 'triangular', 'multistep'] as const)(
    'is not given for schedule %s',
    async (schedule) => {
      const recipe = { ...sound.recipe, schedule };
      expect(await seenBy('rate-end', { ...sound, recipe })).toMatchObject({ verdict: 'pass' });
      expect(await seenBy('warm-up', { ...sound, recipe })).toMatchObject({ verdict: 'pass' });
    },
  );

  it('is not given by rate-end for a short run whose milestones nobody chose', async () => {
    const recipe = { ...sound.recipe, epochs: 10 };
    expect(await seenBy('rate-end', { ...sound, recipe })).toMatchObject({ verdict: 'left-out' });
  });

  it('asks for more validation images only where they are held back from training', async () => {
    const { split, set } = sound.data;
    const validation = split.validation.filter((index) => set.labelOf(index) !== 3);
    const data = { ...sound.data, split: { ...split, validation } };
    const adviceOf = async (bringsValidation: boolean): Promise<string> =>
      JSON.stringify(await seenBy('classes', { ...sound, data: { ...data, bringsValidation } }));
    expect(await adviceOf(false)).toMatch(/hold more samples back.*stratify/);
    expect(await adviceOf(true)).toMatch(/add validation images of it/);
    expect(await adviceOf(true)).not.toMatch(/stratify/);
  });

  it('is not given for so few images that nothing can be said', async () => {
    const { split, set } = sound.data;
    const few = (training: Uint32Array) => ({
      ...sound,
      data: { ...sound.data, split: { training, validation: new Uint32Array() } },
    });
    const three = few(split.training.subarray(0, 3));
    expect(await seenBy('linear', three)).toMatchObject({
      verdict: 'left-out',
      leftOut: '3 images are too few for a linear map',
    });
    const alike = few(split.training.filter((index) => set.labelOf(index) === 1).subarray(0, 3));
    for (const check of ['prior', 'zeroed-inputs']) {
      expect(await seenBy(check, alike)).toMatchObject({ verdict: 'left-out' });
    }
    expect(await seenBy('classes', few(split.training.subarray(0, 3)))).toMatchObject({ verdict: 'fail' });
  });

  it('is given for statistics of the batch in evaluation', async () => {
    const recipe = { ...sound.recipe, evalStatistics: 'batch' } as const;
    expect(await seenBy('independence', { ...sound, recipe })).toMatchObject({ verdict: 'warn' });
  });

  it('is given for images that are also under another label', async () => {
    const { set, split } = sound.data;
    const [first, second] = [
      split.training[0]!,
      split.training.find((index) => set.labelOf(index) !== set.labelOf(split.training[0]!))!,
    ];
    const copied = {
      ...set,
      read: (index: number, target: Uint8Array, offset: number) => {
        set.read(index === second ? first : index, target, offset);
        return set.labelOf(index);
      },
    };
    const finding = await seenBy('duplicates', { ...sound, data: { ...sound.data, set: copied } });
    expect(finding).toMatchObject({
      verdict: 'warn',
      seen: '1 image is there under two labels or more; 1 training image is a copy of another',
    });
  });

  it('tells of labels that differ first, and of copies in two parts as well', async () => {
    const { set, split } = sound.data;
    const [other, same] = [false, true].map((isSame) =>
      split.validation.find((index) => (set.labelOf(index) === set.labelOf(split.training[0]!)) === isSame),
    ) as [number, number];
    const withCopies = (validation: readonly number[], ...copies: readonly number[]) => ({
      ...sound.data,
      split: { ...split, validation: Uint32Array.from(validation) },
      set: {
        ...set,
        read: (index: number, target: Uint8Array, offset: number) => {
          set.read(copies.includes(index) ? split.training[0]! : index, target, offset);
          return set.labelOf(index);
        },
      },
    });
    const both = { ...sound, data: withCopies([other, same], other, same) };
    expect(await seenBy('duplicates', both)).toMatchObject({
      verdict: 'fail',
      seen: '1 image is there under two labels or more; 2 of 2 validation images are in training, too',
      advice:
        'give each image one label: two of one image cannot both be learned; remove the copies from training: the validation accuracy would be too high',
    });
    expect(await seenBy('duplicates', { ...sound, data: withCopies([same], same) })).toMatchObject({
      verdict: 'fail',
      seen: '1 of 1 validation image is in training, too',
    });
  });

  it.each([
    ['black', 0],
    ['of one colour', 77],
  ])('is given for an image that is %s', async (_, value) => {
    const { set, split } = sound.data;
    const blank = {
      ...set,
      read: (index: number, target: Uint8Array, offset: number) => {
        const label = set.read(index, target, offset);
        if (index === split.training[5]) target.fill(value, offset, offset + 3072);
        return label;
      },
    };
    const finding = await seenBy('images', { ...sound, data: { ...sound.data, set: blank } });
    expect(finding).toMatchObject({ verdict: 'warn' });
    expect('seen' in finding! && finding.seen).toContain(
      `1 of 3,000 images show nothing, ${value === 0 ? 1 : 0} of them black`,
    );
  });

  it('is given by a first layer whose filters are all alike, which cannot learn different things', async () => {
    const [first, ...others] = sound.model.description.layers;
    const weight = { kind: 'values', values: new Array<number>(27 * 16).fill(0.1) } as const;
    const { networkFrom } = await import('../../src/model/index.js');
    const layers = [{ ...first!, initial: { weight } }, ...others];
    const model = networkFrom({ ...sound.model.description, layers }, 'alike');
    const finding = await seenBy('filters', { ...sound, model });
    expect(finding).toMatchObject({ verdict: 'fail' });
    expect('seen' in finding! && finding.seen).toMatch(/^filters 0 and 1 are alike, and 119 more pairs/);
  });
});

/** Whatever diverges in a check's own steps is a finding, not the end of the report. */
describe('a training that diverges', () => {
  const reportOf = async (subject: typeof sound, only: readonly string[]) =>
    Object.fromEntries(
      (await runChecks(subject, { only, signal })).map(({ name, ...finding }) => [name, finding]),
    );
  const OWN_STEPS = ['same-seed', 'threads', 'gradients', 'rate', 'cost'];

  it.each([
    [{ lr: 1e3 }, /lower .*"lr"/],
    [{ lr: 1e10 }, /lower .*"lr"/],
    [{ lr: 1e30 }, /lower .*"lr"/],
    [{ lr: 1e30, muonLr: 1e30, optimizer: 'muon' } as const, /lower .*"lr"/],
    [{ weightDecay: 1e30 }, /lower .*"weightDecay"/],
  ])('by %o is named by rate alone', async (asked, advice) => {
    const report = await reportOf({ ...sound, recipe: { ...sound.recipe, ...asked } }, OWN_STEPS);
    expect(Object.entries(report).map(([name, { verdict }]) => `${name} ${verdict}`)).toEqual([
      'same-seed pass',
      'threads pass',
      'gradients pass',
      'rate fail',
      'cost pass',
    ]);
    expect(JSON.stringify(report['rate'])).toMatch(advice);
  });

  it('by weights that are not finite is named where the run begins, and judged nowhere else', async () => {
    const weights = new Map(
      sound.model.layout.parameters.map(({ name, length }) => [name, new Float32Array(length).fill(NaN)]),
    );
    const report = await reportOf({ ...sound, initial: weights }, ['computing', 'start', 'rate', 'cost']);
    expect(report['initial-loss']).toMatchObject({ verdict: 'fail', seen: 'it is not finite' });
    expect(report['activations']).toMatchObject({ verdict: 'fail' });
    for (const name of ['same-seed', 'threads', 'reference', 'slope', 'cost']) {
      expect(report[name]).toMatchObject({
        verdict: 'left-out',
        leftOut: expect.stringContaining('see initial-loss'),
      });
    }
    expect(report['rate']).toMatchObject({ verdict: 'left-out' });
  });

  it('is warned of if its loss has only risen a little', async () => {
    const recipe = { ...sound.recipe, lr: 3, momentum: 0.999 };
    expect(await reportOf({ ...sound, recipe }, ['rate'])).toMatchObject({ rate: { verdict: 'warn' } });
  });
});
