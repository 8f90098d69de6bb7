import { describe, expect, it } from 'vitest';
import { bytesPerMs, milliseconds, relaysForFanOut, slowNodes } from '../../src/simulate/index.js';

describe('rates and times', () => {
  it.each<[string, number | undefined]>([
    ['1Gbit', 125_000],
    ['100Mbit/s', 12_500],
    ['2.5Gbps', 312_500],
    ['125MB/s', 125_000],
    ['8 kbit', 1],
    ['unlimited', Infinity],
    ...['', '0Mbit', '1', 'Gbit', '1Gibit', '-1Gbit', '1Gbit/h', '1mbit'].map((text): [string, undefined] => [
      text,
      undefined,
    ]),
  ])('%j is %s bytes a millisecond', (text, expected) => {
    expect(bytesPerMs(text)).toBe(expected);
  });

  it.each<[string, number | undefined]>([
    ['0', 0],
    ['1ms', 1],
    ['250us', 0.25],
    ['1.5s', 1500],
    ...['', '1', 'ms', '-1ms', '1min'].map((text): [string, undefined] => [text, undefined]),
  ])('%j is %s ms', (text, expected) => {
    expect(milliseconds(text)).toBe(expected);
  });

  it('reads how many nodes are slow, and how slow', () => {
    expect(slowNodes('3:2.5')).toEqual({ nodes: 3, factor: 2.5 });
    for (const text of ['3', '3:', ':2', '3:0', '3:-1', 'a:b']) expect(slowNodes(text)).toBeUndefined();
  });
});

describe('levels of relays', () => {
  it.each([
    [16, 16, []],
    [17, 16, [2]],
    [256, 16, [16]],
    [10_000, 32, [10, 313]],
    [10_000, 100, [100]],
    [9, 2, [2, 3, 5]],
  ] as const)('for %i nodes and at most %i attached: %j', (nodes, fanOut, levels) => {
    expect(relaysForFanOut(nodes, fanOut)).toEqual(levels);
  });
});
