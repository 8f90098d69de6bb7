/** Images show something. */

import { count } from '../../foundation/count.js';
import { found, passed } from '../finding.js';
import type { Check } from '../finding.js';
import { scanOf } from './scan.js';
import type { ScannedImage } from './scan.js';

/** A range of bytes that nobody sees anything in. */
const NO_CONTRAST = 4;
/** An image whose lower part is one colour may have been cut off; many of them have been. */
const EMPTY_SHARE = 0.5;
const MANY_EMPTY = 0.01;
const MANY_BAD = 0.001;

export const images: Check = {
  name: 'images',
  group: 'data',
  about: 'no image is black, of one colour, or cut off',
  run: async (bench) => {
    const { training, validation, test = [] } = await scanOf(bench);
    const all = [...training, ...validation, ...test];
    const without = all.filter(({ range }) => range < NO_CONTRAST);
    const cutOff = all.filter(({ range, emptyShare }) => range >= NO_CONTRAST && emptyShare >= EMPTY_SHARE);
    const expected = 'no image that is black, of one colour, or cut off';
    if (without.length > 0) {
      const black = without.filter(({ isBlack }) => isBlack).length;
      return found(without.length > MANY_BAD * all.length ? 'fail' : 'warn', {
        expected,
        seen: `${of(without, all)} show nothing, ${black} of them black; the first is image ${without[0]!.index}`,
        advice: 'look at how the files are read, and remove these images',
      });
    }
    if (cutOff.length > MANY_EMPTY * all.length) {
      return found('warn', {
        expected,
        seen: `the lower half of ${of(cutOff, all)} is one colour; the first is image ${cutOff[0]!.index}`,
        advice: 'their files may have been cut off: compare their sizes and checksums',
      });
    }
    return passed(expected, `none of ${all.length.toLocaleString('en-US')}`);
  },
};

function of(some: readonly ScannedImage[], all: readonly ScannedImage[]): string {
  return `${some.length.toLocaleString('en-US')} of ${count(all.length, 'image')}`;
}
