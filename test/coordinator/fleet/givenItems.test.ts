import { expect, it } from 'vitest';
import { GivenItems } from '../../../src/coordinator/fleet/givenItems.js';
import { itemKey, roundKey } from '../../../src/coordinator/schedule/itemKey.js';
import type { ItemKey } from '../../../src/coordinator/schedule/itemKey.js';

const key = (step: number, index: number): ItemKey => itemKey(roundKey('work', step), index);

it('takes as many answers to an item as it was given, and no more', () => {
  const given = new GivenItems();
  given.add(key(3, 1), 2);
  given.add(key(3, 2), 2);
  given.add(key(3, 1), 2); // called off too late, and given again: both copies are answered
  expect(given.answer(key(3, 1))).toBe(true);
  expect(given.answer(key(3, 2))).toBe(true);
  expect(given.answer(key(3, 2))).toBe(false);
  expect(given.answer(key(3, 1))).toBe(true);
  expect(given.answer(key(3, 1))).toBe(false);
  expect(given.answer(key(4, 1))).toBe(false);
});

it('forgets the oldest of very many', () => {
  const given = new GivenItems();
  for (let index = 0; index <= 4096; index++) given.add(key(1, index), 1);
  expect(given.answer(key(1, 0))).toBe(false);
  expect(given.answer(key(1, 1))).toBe(true);
});

it('remembers two items for each worker of a large relay', () => {
  const given = new GivenItems();
  for (let index = 0; index < 2 * 4096; index++) given.add(key(1, index), 4096);
  expect(given.answer(key(1, 0))).toBe(true);
});
