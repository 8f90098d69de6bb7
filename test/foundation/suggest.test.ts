import { describe, expect, it } from 'vitest';
import { closest } from '../../src/foundation/suggest.js';

const KEYS = ['batchSize', 'microBatch', 'epochs', 'lr', 'momentum', 'augment'];

describe('closest', () => {
  it.each([
    ['epoch', 'epochs'],
    ['batchsize', 'batchSize'],
    ['batch_size', 'batchSize'],
    ['momentun', 'momentum'],
    ['noAugment', 'augment'],
    ['l', 'lr'],
  ])('finds what %s probably means', (word, meant) => {
    expect(closest(word, KEYS)).toBe(meant);
  });

  it.each(['', 'x', 'learningRate', 'zzzzzz'])('suggests nothing for %j', (word) => {
    expect(closest(word, KEYS)).toBeUndefined();
  });

  it('prefers the nearest', () => {
    expect(closest('abcd', ['abxy', 'abcx', 'abcd'])).toBe('abcd');
  });
});
