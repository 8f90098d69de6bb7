/** The grid of workgroups that a kernel is dispatched as, within the limit that every device has. */

import { invariant, LockstepError } from '../../../foundation/errors.js';

/** Of each dimension: https://www.w3.org/TR/webgpu/#limits */
export const MOST_WORKGROUPS = 65_535;

export type Workgroups = readonly [number, number, number];

export interface Grid {
  /** What is dispatched. */
  readonly workgroups: Workgroups;
  /** WGSL: a parameter of `main`, and its first statements. Together they define `group`. */
  readonly parameter: string;
  readonly prologue: readonly string[];
}

/**
 * The grid as it is, if it is within the limit. Otherwise the workgroups are numbered, and spread over x and y; the few that
 * are too many return at once.
 * @param label names the kernel in errors
 * @throws LockstepError E_ENGINE_FAILED if no grid has so many workgroups
 */
export function dispatchGrid(label: string, workgroups: Workgroups): Grid {
  for (const count of workgroups) {
    invariant(Number.isInteger(count) && count > 0, `kernel "${label}" has ${count} workgroups`);
  }
  if (workgroups.every((count) => count <= MOST_WORKGROUPS)) {
    return { workgroups, parameter: '@builtin(workgroup_id) group: vec3u', prologue: [] };
  }
  const [across, down, deep] = workgroups;
  const total = across * down * deep;
  const height = Math.ceil(total / MOST_WORKGROUPS);
  if (height > MOST_WORKGROUPS) {
    throw new LockstepError(
      'E_ENGINE_FAILED',
      `engine webgpu failed: kernel "${label}" needs ${total} workgroups, above the limit of ${MOST_WORKGROUPS * MOST_WORKGROUPS}; use smaller micro-batches`,
    );
  }
  const width = Math.ceil(total / height);
  return {
    workgroups: [width, height, 1],
    parameter: '@builtin(workgroup_id) grid: vec3u',
    prologue: [
      `let number = grid.y * ${width}u + grid.x;`,
      `if (number >= ${total}u) { return; }`,
      `let group = vec3u(number % ${across}u, number / ${across}u % ${down}u, number / ${across * down}u);`,
    ],
  };
}
