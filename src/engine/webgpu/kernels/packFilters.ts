/** Rounds filters to half precision, once per pass, so that convolutions load half as much and only copy. */

import { KernelSource } from './kernelSource.js';
import type { Dispatch, Range } from './kernelSource.js';

const THREADS = 256;
const OCTET = 8;

export interface PackedFilter {
  /** Part of the parameters; its length is a multiple of eight. */
  readonly from: Range;
  /** Half as long: words of two numbers each. */
  readonly to: Range;
}

/** One kernel for all; a number beyond 65504 becomes infinite. */
export function packFilters(filters: readonly PackedFilter[]): Dispatch {
  const kernel = new KernelSource();
  const [{ from, to }] = filters as [PackedFilter, ...PackedFilter[]];
  const whole = ({ storage }: Range): Range => ({ storage, offset: 0, length: storage.length });
  const source = kernel.bind(whole(from), 'vec4f');
  const target = kernel.bind(whole(to), 'vec4u', 'read_write');
  const octets = filters.map((filter) => filter.from.length / OCTET);
  const places = filters.map(
    (filter, index) => `vec3u(${filter.from.offset / 4}u, ${filter.to.offset / 4}u, ${octets[index]!}u)`,
  );
  kernel.declare(`const places = array<vec3u, ${filters.length}>(${places.join(', ')});`);
  const words = ['low.xy', 'low.zw', 'high.xy', 'high.zw'].map((pair) => `pack2x16float(${pair})`);
  return kernel.build({
    label: 'rounding of filters to half precision',
    threads: THREADS,
    workgroups: [Math.ceil(Math.max(...octets) / THREADS), filters.length, 1],
    main: `
let place = places[group.y];
let index = group.x * ${THREADS}u + thread;
if (index < place.z) {
  let low = ${source}[place.x + index * 2u];
  let high = ${source}[place.x + index * 2u + 1u];
  ${target}[place.y + index] = vec4u(${words.join(', ')});
}`,
  });
}
