import { describe, expect, it } from 'vitest';
import { imageLines } from '../../../src/cli/display/showImage.js';

describe('an image as text', () => {
  it('takes two rows a line, in grey where there is one channel, and black below an odd number of rows', () => {
    const pixels = Uint8Array.of(0, 255, 128, 0, 0, 0, 255, 255, 0); // 3 rows of 3
    const shape = { height: 3, width: 3, channels: 1 };
    expect(imageLines(pixels, shape, false)).toEqual([' @+', '@@ ']);
    const [, last] = imageLines(pixels, shape, true);
    expect(last).toContain('\u001b[38;2;255;255;255m\u001b[48;2;0;0;0m▀');
  });

  it('is in colour where there are three channels', () => {
    const [line] = imageLines(
      Uint8Array.of(10, 20, 30, 40, 50, 60),
      { height: 2, width: 1, channels: 3 },
      true,
    );
    expect(line).toBe('\u001b[38;2;10;20;30m\u001b[48;2;40;50;60m▀\u001b[0m');
  });
});
