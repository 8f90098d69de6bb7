import { describe, expect, it } from 'vitest';
import {
  configText,
  eventDetails,
  eventName,
  measureText,
  momentText,
  optionText,
  stateText,
} from '../../src/watch/folders/wording.js';

it('writes a moment with its zone, and leaves what is none', () => {
  expect(momentText('2026-11-26T23:54:01.123Z')).toBe('2026-11-26 23:54 UTC');
  expect(momentText('yesterday')).toBe('yesterday');
});

it('groups large numbers everywhere, but for a seed', () => {
  expect(configText('epochs', 10000)).toBe('10,000');
  expect(configText('seed', 10000)).toBe('10000');
  expect(configText('lr', 0.1)).toBe('0.1');
  expect(eventDetails({ event: 'x', time: 'y', trainingSamples: 45000 })).toBe('training samples: 45,000');
});

it.each([
  [undefined, '(not set)'],
  [null, 'none'],
  [false, 'false'],
  ['a b', 'a b'],
  [[], 'none'],
  [['simd', 'wasm'], 'simd, wasm'],
  [{ node: '20.20.2', lockstep: '0.1.0' }, 'node 20.20.2, lockstep 0.1.0'],
  [[{ node: 'a', samples: 3 }], '(node a, samples 3)'],
])('writes the option %j as people read it', (value, text) => {
  expect(optionText(value)).toBe(text);
});

it('says what events are called and tell, in words', () => {
  expect(eventName('worker-left')).toBe('worker left');
  expect(eventDetails({ workersNow: 2, reason: null, '<b>': 1 })).toBe(
    'workers now: 2, reason: none, <b>: 1',
  );
});

describe('a state', () => {
  it.each([
    ['finished', 'epochs', 'finished'],
    ['finished', 'patience', 'finished (patience was over)'],
    ['finished', 'max-steps', 'finished (step limit)'],
    ['finished', null, 'finished'],
    ['stopped', 'signal', 'stopped'],
    ['finished', 'something new', 'finished (something new)'],
  ])('%s by %s is told as "%s" words', (state, stoppedBy, text) => {
    expect(stateText(state, stoppedBy)).toBe(text);
  });
});

it('writes a small measure with its exponent', () => {
  expect([0, 0.12345, 1.2e-5].map(measureText)).toEqual(['0', '0.1235', '1.2e-5']);
});
