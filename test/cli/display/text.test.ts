import { describe, expect, it } from 'vitest';
import { duration, linesOf, percent, rate } from '../../../src/cli/display/text.js';
import type { RunEvent, RunResult } from '../../../src/coordinator/index.js';
import { count } from '../../../src/foundation/count.js';

describe('the words of the display', () => {
  it.each([
    [0, '0:00'],
    [7.4, '0:07'],
    [59.6, '1:00'],
    [723, '12:03'],
    [3599.9, '1:00:00'],
    [3723, '1:02:03'],
    [86_400 + 61, '24:01:01'],
    [-3, '0:00'],
  ])('duration: %d seconds are %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  it.each([
    [0.1, '0.1'],
    [0.012345, '0.0123'],
    [0.1 + 0.2, '0.3'],
    [0.001, '0.001'],
    [0.0000123, '1.2e-5'],
    [4e-7, '4.0e-7'],
    [0, '0'],
  ])('rate: %d is %s', (value, text) => {
    expect(rate(value)).toBe(text);
  });

  it('counts and shares', () => {
    expect([count(1, 'worker'), count(0, 'worker'), count(272_474, 'parameter')]).toEqual([
      '1 worker',
      '0 workers',
      '272,474 parameters',
    ]);
    expect([percent(0), percent(0.45678), percent(1)]).toEqual(['0.00 %', '45.68 %', '100.00 %']);
  });
});

const EPOCH: Extract<RunEvent, { event: 'epoch' }> = {
  event: 'epoch',
  epoch: 3,
  step: 120,
  lr: 0.05,
  trainLoss: 1.23456,
  trainAccuracy: 0.5,
  validationLoss: 1.5,
  validationAccuracy: 0.4567,
  validationSeconds: 2,
  imagesPerSecond: 123.4,
  wallSeconds: 75,
  best: true,
  weightsSha256: 'abc',
  workers: [],
};

const RESULT: RunResult = {
  weightsSha256: 'aa11',
  lastWeightsSha256: 'bb22',
  stepsCompleted: 1200,
  epochsCompleted: 3,
  bestEpoch: 2,
  bestValidationAccuracy: 0.5,
  imagesPerSecond: 99.6,
  wallSeconds: 61,
  engine: 'wasm',
  numericsClasses: ['c'],
  exact: true,
  dataset: 'cifar10',
  stoppedBy: 'patience',
  testAccuracy: null,
  testLoss: null,
};

const textOf = (event: RunEvent): string => linesOf(event).join('\n');

describe('the lines of events', () => {
  it('tell of an epoch all that a person looks for', () => {
    const line = textOf(EPOCH);
    for (const part of [
      'epoch   3',
      '1.235',
      '50.00 %',
      '1.500',
      '45.67 %',
      'lr 0.05',
      '123 images/s',
      '1:15',
      'best',
    ]) {
      expect(line).toContain(part);
    }
    expect(textOf({ ...EPOCH, best: false })).not.toContain('best');
    expect(textOf({ ...EPOCH, validationLoss: null, validationAccuracy: null })).toContain('no validation');
  });

  it('fit 100 columns, whatever the figures', () => {
    const line = textOf({
      ...EPOCH,
      epoch: 200,
      trainAccuracy: 1,
      validationAccuracy: 1,
      lr: 1.2345e-5,
      imagesPerSecond: 12_345,
      wallSeconds: 36_123,
    });
    expect(line.length).toBeLessThan(100);
  });

  it('show slow engines’ speed, too', () => {
    expect(textOf({ ...EPOCH, imagesPerSecond: 0.314 })).toContain(' 0.31 images/s');
    expect(textOf({ event: 'run-finished', ...RESULT, imagesPerSecond: 1.26 })).toContain(' 1.3 images/s');
  });

  it('tell why the run ended, what came of it, and whether it can be trusted to be exact', () => {
    const text = textOf({ event: 'run-finished', ...RESULT });
    for (const part of [
      'stopped early',
      '1,200 steps',
      'aa11 (the best, restored)',
      '50.00 % in epoch 2',
      'exact: ',
    ]) {
      expect(text).toContain(part);
    }
    const inexact = textOf({
      event: 'run-finished',
      ...RESULT,
      lastWeightsSha256: 'aa11',
      exact: false,
      bestEpoch: null,
      bestValidationAccuracy: null,
      stoppedBy: 'signal',
    });
    expect(inexact).toContain('not exact');
    expect(inexact).toContain('everything up to here is saved');
    expect(inexact).not.toContain('restored');
    expect(inexact).not.toContain('best validation accuracy');
  });

  it.each([
    ['the average', { bestEpoch: null, bestValidationAccuracy: null, stoppedBy: 'epochs' }],
    ['the average', { stoppedBy: 'max-steps' }],
    ['the best, restored', { stoppedBy: 'epochs' }],
  ] as const)('say that weights other than the last are %s', (kind, change) => {
    expect(textOf({ event: 'run-finished', ...RESULT, ...change })).toContain(`aa11 (${kind})`);
  });

  it('tell of no engine where no step was made', () => {
    const text = textOf({ event: 'run-finished', ...RESULT, engine: '', exact: true });
    expect(text).toContain('no step was made');
    expect(text).not.toMatch(/engine|exact/);
  });

  it('put notices where nobody can miss them, wrapped, with every word', () => {
    const message =
      'CIFAR-10 IS NOT HERE: training on SYNTHETIC images instead, whatever the accuracies may say about it.';
    const lines = linesOf({ event: 'notice', message });
    expect(lines[0]).toMatch(/^!{20,}$/);
    expect(lines.every((line) => line.startsWith('!!') && line.length <= 80)).toBe(true);
    expect(
      lines
        .slice(1, -1)
        .map((line) => line.slice(3))
        .join(' '),
    ).toBe(message);
  });

  it('say who came and who left, and how many are left', () => {
    const member = { node: 'alpha', engine: 'wasm', device: 'x', numericsClass: 'c', threads: 2 };
    expect(textOf({ event: 'worker-joined', ...member, workersNow: 3 })).toMatch(
      /\+ alpha: 2 workers .*3 now/,
    );
    expect(textOf({ event: 'worker-left', reason: 'power cut', ...member, workersNow: 1 })).toBe(
      '- alpha left: power cut; 1 worker now',
    );
    const refusal = textOf({
      event: 'worker-refused',
      node: 'alpha',
      address: '192.0.2.7:5000',
      reason: 'no',
    });
    expect(refusal).toMatch(/alpha \(192\.0\.2\.7:5000\) is refused: no/);
    expect(
      textOf({ event: 'waiting', reason: 'no worker is left', workersNeeded: 1, timeoutSeconds: 300 }),
    ).toContain('5:00');
  });

  it('say what was refused or came and went too often, and how often', () => {
    const refused = { event: 'connection-refused', address: '192.0.2.7', reason: 'a wrong token' } as const;
    expect(textOf({ ...refused, count: 1 })).toBe('× connection from 192.0.2.7 refused: a wrong token');
    expect(textOf({ ...refused, count: 1234 })).toMatch(/a wrong token \(1,234 times\)$/);
    const changes = { joined: 2610, left: 2609, refused: 0, failed: 0, workersNow: 3 };
    expect(textOf({ event: 'workers-changed', address: '192.0.2.7', ...changes })).toBe(
      '± 192.0.2.7: 2,610 joined, 2,609 left; 3 workers now',
    );
  });

  it('leave steps and checkpoints to the live display', () => {
    expect(
      linesOf({ event: 'checkpoint', step: 1, file: 'f', stallMs: 1, writeMs: 2, byteCount: 3 }),
    ).toEqual([]);
  });
});
