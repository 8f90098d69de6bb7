/** An image as text: two pixels a character, in 24-bit colour where a terminal shows it, else in grey levels. */

import type { ImageShape } from '../../data/index.js';

const GREY_LEVELS = ' .:-=+*#%@';

/** @param pixels (H, W, C), uint8; three channels are red, green and blue, of other numbers the first is shown in grey */
export function imageLines(pixels: Uint8Array, shape: ImageShape, coloured = process.stdout.isTTY): string[] {
  return coloured ? colouredLines(pixels, shape) : greyLines(pixels, shape);
}

/** The upper half block takes the foreground for one row and the background for the next. */
function colouredLines(pixels: Uint8Array, shape: ImageShape): string[] {
  const colourAt = (row: number, column: number): string => colourOf(pixels, shape, row, column).join(';');
  return Array.from({ length: Math.ceil(shape.height / 2) }, (_, pair) => {
    const cells = Array.from(
      { length: shape.width },
      (__, column) =>
        `\u001b[38;2;${colourAt(2 * pair, column)}m\u001b[48;2;${colourAt(2 * pair + 1, column)}m▀`,
    );
    return `${cells.join('')}\u001b[0m`;
  });
}

function greyLines(pixels: Uint8Array, shape: ImageShape): string[] {
  return Array.from({ length: Math.ceil(shape.height / 2) }, (_, pair) =>
    Array.from({ length: shape.width }, (__, column) => {
      const [red, green, blue] = colourOf(pixels, shape, 2 * pair, column);
      const grey = (red + green + blue) / (3 * 256);
      return GREY_LEVELS[Math.floor(grey * GREY_LEVELS.length)];
    }).join(''),
  );
}

/** Black below the last row. */
function colourOf(
  pixels: Uint8Array,
  { height, width, channels }: ImageShape,
  row: number,
  column: number,
): readonly [number, number, number] {
  if (row >= height) return [0, 0, 0];
  const at = (row * width + column) * channels;
  const first = pixels[at]!;
  return channels === 3 ? [first, pixels[at + 1]!, pixels[at + 2]!] : [first, first, first];
}
