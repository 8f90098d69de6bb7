import { describe, expect, it } from 'vitest';
import { SharedWeights } from '../../src/worker/sharedWeights.js';
import { parameters } from '../support/messages.js';

const bytes = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

const message = (value: number): ReturnType<typeof parameters> =>
  parameters({ parameters: bytes(value, -value), statistics: bytes(value / 2) });

describe('SharedWeights', () => {
  it('holds nothing before the first weights', () => {
    expect(new SharedWeights(2, 1).current).toBeUndefined();
  });

  it('holds a copy of the latest weights, in memory that threads can share', () => {
    const weights = new SharedWeights(2, 1);
    const sent = message(3);
    expect(weights.replace(sent)).toBe(true);
    sent.parameters.fill(0);
    const { parameters: values, statistics } = weights.current!;
    expect([...values, ...statistics]).toEqual([3, -3, 1.5]);
    for (const vector of [values, statistics]) expect(vector.buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  it('reads weights from any position in memory', () => {
    const memory = new Uint8Array(20);
    memory.set(bytes(1.25, 7), 3);
    const weights = new SharedWeights(2, 0);
    weights.replace(parameters({ parameters: memory.subarray(3, 11), statistics: new Uint8Array(0) }));
    expect([...weights.current!.parameters]).toEqual([1.25, 7]);
  });

  it('unpacks weights that came as bfloat16', () => {
    const weights = new SharedWeights(2, 1);
    const statistics = bytes(0.5);
    const packed = Uint8Array.of(0x80, 0x3f, 0x20, 0xc0); // the upper halves of 1 and -2.5
    const sent = parameters({ wire: 'bfloat16', parameters: packed, statistics });
    expect(weights.replace(sent)).toBe(true);
    expect([...weights.current!.parameters, ...weights.current!.statistics]).toEqual([1, -2.5, 0.5]);
    expect(weights.replace({ ...sent, wire: 'float32' })).toBe(false);
    expect(weights.replace({ ...message(3), wire: 'bfloat16' })).toBe(false);
  });

  it('leaves the weights before alone while the next are written; the ones after take their place', () => {
    const weights = new SharedWeights(2, 1);
    weights.replace(message(1));
    const first = weights.current!;
    weights.replace(message(2));
    const second = weights.current!;
    expect([...first.parameters]).toEqual([1, -1]);
    expect([...second.parameters]).toEqual([2, -2]);
    weights.replace(message(3));
    expect([...second.parameters]).toEqual([2, -2]);
    expect(weights.current!.parameters.buffer).toBe(first.parameters.buffer); // two slots, not three
  });

  it('numbers all weights of this process differently, whatever the coordinators call them', () => {
    const stores = [new SharedWeights(2, 1), new SharedWeights(2, 1)];
    const versions = stores.flatMap((store) =>
      [7, 7, 8].map((version) => {
        store.replace({ ...message(1), version });
        return store.current!.version;
      }),
    );
    expect(new Set(versions).size).toBe(6);
  });

  it('refuses weights of another length, and keeps those it has', () => {
    const weights = new SharedWeights(2, 1);
    weights.replace(message(1));
    const before = weights.current;
    expect(weights.replace(parameters({ parameters: bytes(1), statistics: bytes(1) }))).toBe(false);
    expect(weights.replace(parameters({ parameters: bytes(1, 2), statistics: bytes() }))).toBe(false);
    expect(weights.replace(parameters({ parameters: new Uint8Array(7), statistics: bytes(1) }))).toBe(false);
    expect(weights.current).toBe(before);
  });
});
