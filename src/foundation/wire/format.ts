/**
 * The forms in which sums of gradients and weights travel.
 *
 * `float32`: as they are, little-endian. `bfloat16`: the upper half of each float32, little-endian, rounded to nearest even.
 * `int8`: blocks of 32 values (OCP Microscaling, MXINT8: a power of two as scale). A block is one byte e, then an int8 q for
 * each value: the value is q 2^(e - 127). With e = 255 the values are not finite.
 */

export const WIRE_FORMATS = ['float32', 'bfloat16', 'int8'] as const;
export type WireFormat = (typeof WIRE_FORMATS)[number];

/** Values that share a scale. */
export const BLOCK_VALUES = 32;
/** Of a whole block of int8. */
export const BLOCK_BYTES = 1 + BLOCK_VALUES;

/** What weights travel as: for them int8 would be too coarse. */
export const WEIGHT_FORMATS = ['float32', 'bfloat16'] as const;
export type WeightFormat = (typeof WEIGHT_FORMATS)[number];

/** What the weights of a step travel as, in a run whose gradients have this form. Those of an evaluation are float32. */
export function weightFormatOf(gradients: WireFormat): WeightFormat {
  return gradients === 'float32' ? 'float32' : 'bfloat16';
}

/** Whether rounding to it draws random numbers. */
export function drawsNumbers(format: WireFormat): boolean {
  return format === 'int8';
}

/** The bytes of a vector on the wire. */
export function wireByteLength(format: WireFormat, valueCount: number): number {
  switch (format) {
    case 'float32':
      return 4 * valueCount;
    case 'bfloat16':
      return 2 * valueCount;
    case 'int8':
      return valueCount + Math.ceil(valueCount / BLOCK_VALUES);
  }
}
