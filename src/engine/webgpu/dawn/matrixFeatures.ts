/** What a device must have to multiply half-precision matrices. */

import { LockstepError } from '../../../foundation/errors.js';
import { SUBGROUP_THREADS } from '../kernels/matrixOperations.js';

const FEATURES = ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'];
/** Columns of the products that kernels use; these have sixteen rows and sixteen terms. */
const PRODUCT_COLUMNS = [16, 8];

interface MatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

type MatrixAdapterInfo = GPUAdapterInfo & { readonly subgroupMatrixConfigs?: Iterable<MatrixConfig> };

/**
 * The features to ask for.
 * @throws LockstepError E_ENGINE_UNAVAILABLE if the adapter lacks one, or the products
 */
export function matrixFeatures({ features, info }: GPUAdapter): GPUFeatureName[] {
  const missing = FEATURES.filter((feature) => !features.has(feature));
  const { subgroupMinSize, subgroupMaxSize, subgroupMatrixConfigs = [] } = info as MatrixAdapterInfo;
  const configs = [...subgroupMatrixConfigs].filter(
    ({ componentType, resultComponentType, M, K }) =>
      componentType === 'f16' && resultComponentType === 'f32' && M === 16 && K === 16,
  );
  for (const columns of PRODUCT_COLUMNS) {
    if (!configs.some(({ N }) => N === columns)) missing.push(`products of 16x16 and 16x${columns} matrices`);
  }
  if (subgroupMinSize !== SUBGROUP_THREADS || subgroupMaxSize !== SUBGROUP_THREADS) {
    missing.push(`subgroups of ${SUBGROUP_THREADS} threads`);
  }
  if (missing.length === 0) return FEATURES as GPUFeatureName[];
  throw new LockstepError(
    'E_ENGINE_UNAVAILABLE',
    `precision f16 cannot run on this device: it has no ${missing.join(', ')}; use precision f32`,
  );
}
