/** The gradient of a convolution's bias: sums over all pixels, one workgroup a quad of channels. */

import type { ActivationShape } from '../../../model/index.js';
import { KernelSource } from './kernelSource.js';
import type { Dispatch, Range, Reading } from './kernelSource.js';
import { quadsOf } from './shapes.js';

const THREADS = 256;

export function biasGradient(
  read: Reading,
  { height, width, channels }: ActivationShape,
  imageCount: number,
  result: Range,
): Dispatch {
  const kernel = new KernelSource();
  const reader = kernel.reader(read);
  const to = kernel.bind(result, 'vec4f', 'read_write');
  kernel.workgroupArray('lanes', THREADS);
  const pixels = height * width;
  return kernel.build({
    label: `bias gradient ${channels}`,
    threads: THREADS,
    workgroups: [quadsOf({ height, width, channels }), 1, 1],
    main: `
let quad = group.x;
var sum = vec4f();
for (var index = thread; index < ${imageCount * pixels}u; index += ${THREADS}u) {
  let pixel = index % ${pixels}u;
  sum += ${reader}(index / ${pixels}u, pixel / ${width}u, pixel % ${width}u, quad);
}
lanes[thread] = sum;
workgroupBarrier();
for (var reach = ${THREADS / 2}u; reach > 0u; reach /= 2u) {
  if (thread < reach) { lanes[thread] += lanes[thread + reach]; }
  workgroupBarrier();
}
if (thread == 0u) { ${to}[quad] = lanes[0]; }`,
  });
}
