/** From the channels that a picture has to those of the data set, in integers. */

/** What shows through transparent places: white, as on a page. */
const BACKGROUND = 255;

/** Grey and colour, each with or without alpha. */
export type SourceChannels = 1 | 2 | 3 | 4;

/**
 * Alpha is composed on white; grey is repeated as red, green and blue; colour becomes grey by ITU-R BT.601, with the
 * integers of Pillow's `convert('L')`.
 * @param pixels (count, source)
 * @returns (count, wanted); the same array if nothing has to be done
 */
export function convertChannels(pixels: Uint8Array, source: SourceChannels, wanted: 1 | 3): Uint8Array {
  if (source === wanted) return pixels;
  const count = pixels.length / source;
  const colours = source >= 3 ? 3 : 1;
  const hasAlpha = source > colours;
  const converted = new Uint8Array(count * wanted);
  for (let pixel = 0; pixel < count; pixel++) {
    const from = pixel * source;
    const alpha = hasAlpha ? pixels[from + colours]! : 255;
    const red = composed(pixels[from]!, alpha);
    const green = colours === 3 ? composed(pixels[from + 1]!, alpha) : red;
    const blue = colours === 3 ? composed(pixels[from + 2]!, alpha) : red;
    const to = pixel * wanted;
    if (wanted === 1) {
      converted[to] = colours === 1 ? red : lightness(red, green, blue);
    } else {
      converted[to] = red;
      converted[to + 1] = green;
      converted[to + 2] = blue;
    }
  }
  return converted;
}

function composed(value: number, alpha: number): number {
  return Math.floor((value * alpha + BACKGROUND * (255 - alpha) + 127) / 255);
}

function lightness(red: number, green: number, blue: number): number {
  return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
}
