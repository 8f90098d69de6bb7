/** An image as text: two pixels a character, in 24-bit colour where a terminal shows it, else in grey levels. */

const SIDE = 32;
const GREY_LEVELS = ' .:-=+*#%@';

/** @param pixels (32, 32, 3), uint8 */
export function imageLines(pixels: Uint8Array, coloured = process.stdout.isTTY): string[] {
  return coloured ? colouredLines(pixels) : greyLines(pixels);
}

/** The upper half block takes the foreground for one row and the background for the next. */
function colouredLines(pixels: Uint8Array): string[] {
  const colourAt = (row: number, column: number): string => {
    const at = (row * SIDE + column) * 3;
    return `${pixels[at]};${pixels[at + 1]};${pixels[at + 2]}`;
  };
  return Array.from({ length: SIDE / 2 }, (_, pair) => {
    const cells = Array.from(
      { length: SIDE },
      (__, column) =>
        `\u001b[38;2;${colourAt(2 * pair, column)}m\u001b[48;2;${colourAt(2 * pair + 1, column)}m▀`,
    );
    return `${cells.join('')}\u001b[0m`;
  });
}

function greyLines(pixels: Uint8Array): string[] {
  return Array.from({ length: SIDE / 2 }, (_, pair) =>
    Array.from({ length: SIDE }, (__, column) => {
      const at = (2 * pair * SIDE + column) * 3;
      const grey = (pixels[at]! + pixels[at + 1]! + pixels[at + 2]!) / (3 * 256);
      return GREY_LEVELS[Math.floor(grey * GREY_LEVELS.length)];
    }).join(''),
  );
}
