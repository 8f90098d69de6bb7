/** Convolution and its gradients by their definitions, in float64: what the kernels are checked against. */

export interface NaiveShape {
  readonly images: number;
  readonly height: number;
  readonly width: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly stride: 1 | 2;
  readonly kernelSize: 1 | 2 | 3;
  readonly padding: 'same' | 'valid';
}

export const outputSides = ({ height, width, stride, kernelSize, padding }: NaiveShape): [number, number] => {
  const side = (length: number): number =>
    padding === 'same' ? Math.ceil(length / stride) : Math.floor((length - kernelSize) / stride) + 1;
  return [side(height), side(width)];
};

/** Pixels of zeros before the first: all around for 3x3, at the end alone for 2x2. */
export const zerosBefore = ({ kernelSize, padding }: NaiveShape): number =>
  kernelSize === 3 && padding === 'same' ? 1 : 0;

/** Calls `body(input index, weight index, output index)` for every product that the convolution sums. */
export function forEachProduct(
  shape: NaiveShape,
  body: (input: number, weight: number, output: number) => void,
): void {
  const { images, height, width, inputs, outputs, stride, kernelSize } = shape;
  const [outputHeight, outputWidth] = outputSides(shape);
  const before = zerosBefore(shape);
  for (let image = 0; image < images; image++) {
    for (let y = 0; y < outputHeight; y++) {
      for (let x = 0; x < outputWidth; x++) {
        for (let tap = 0; tap < kernelSize ** 2; tap++) {
          const row = y * stride + Math.floor(tap / kernelSize) - before;
          const column = x * stride + (tap % kernelSize) - before;
          if (row < 0 || row >= height || column < 0 || column >= width) continue;
          const inputStart = ((image * height + row) * width + column) * inputs;
          const outputStart = ((image * outputHeight + y) * outputWidth + x) * outputs;
          for (let input = 0; input < inputs; input++) {
            for (let output = 0; output < outputs; output++) {
              body(inputStart + input, (tap * inputs + input) * outputs + output, outputStart + output);
            }
          }
        }
      }
    }
  }
}
