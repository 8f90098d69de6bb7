import { describe, expect, it } from 'vitest';
import { drawSheet } from '../../src/data/index.js';

const SHAPE = { height: 32, width: 32, channels: 1 };
const image = (value: number): Uint8Array => new Uint8Array(32 * 32).fill(value);

describe('drawSheet', () => {
  it('puts images side by side on white, doubled, and begins a row after the last column', () => {
    const sheet = drawSheet([[image(1)], [image(2)], [image(3)]], SHAPE, 2);
    expect([sheet.width, sheet.height]).toEqual([4 + 2 * (64 + 4), 4 + 2 * (64 + 4)]);
    const at = (x: number, y: number): number => sheet.pixels[y * sheet.width + x]!;
    expect([at(4, 4), at(67, 67), at(72, 4), at(4, 72)]).toEqual([1, 1, 2, 3]);
    expect([at(3, 3), at(68, 4), at(72, 72), at(4, 68)]).toEqual([255, 255, 255, 255]);
  });

  it('stacks the images of a place, and sets the stacks apart', () => {
    const sheet = drawSheet([[image(1), image(2)], [image(3)]], SHAPE, 1);
    const at = (y: number): number => sheet.pixels[y * sheet.width + 4]!;
    expect([at(4), at(68), at(72), at(136), at(152)]).toEqual([1, 255, 2, 255, 3]);
  });
});
