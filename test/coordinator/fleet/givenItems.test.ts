import { expect, it } from 'vitest';
import { GivenItems } from '../../../src/coordinator/fleet/givenItems.js';

it('takes as many answers to an item as it was given, and no more', () => {
  const given = new GivenItems();
  given.add('work 3/1');
  given.add('work 3/2');
  given.add('work 3/1'); // called off too late, and given again: both copies are answered
  expect(given.answer('work 3/1')).toBe(true);
  expect(given.answer('work 3/2')).toBe(true);
  expect(given.answer('work 3/2')).toBe(false);
  expect(given.answer('work 3/1')).toBe(true);
  expect(given.answer('work 3/1')).toBe(false);
  expect(given.answer('work 4/1')).toBe(false);
});

it('forgets the oldest of very many', () => {
  const given = new GivenItems();
  for (let index = 0; index <= 4096; index++) given.add(`work 1/${index}`);
  expect(given.answer('work 1/0')).toBe(false);
  expect(given.answer('work 1/1')).toBe(true);
});
