/** 3x3 convolution and its gradients by their definitions, in float64: what the kernels are checked against. */

export interface NaiveShape {
  readonly images: number;
  readonly height: number;
  readonly width: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly stride: 1 | 2;
}

/** Calls `body(input index, weight index, output index)` for every product that the convolution sums. */
export function forEachProduct(
  { images, height, width, inputs, outputs, stride }: NaiveShape,
  body: (input: number, weight: number, output: number) => void,
): void {
  const outputHeight = Math.ceil(height / stride);
  const outputWidth = Math.ceil(width / stride);
  for (let image = 0; image < images; image++) {
    for (let y = 0; y < outputHeight; y++) {
      for (let x = 0; x < outputWidth; x++) {
        for (let tap = 0; tap < 9; tap++) {
          const row = y * stride + Math.floor(tap / 3) - 1;
          const column = x * stride + (tap % 3) - 1;
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
