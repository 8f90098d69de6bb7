/** What a workgroup may take on a device. */
export interface WorkgroupLimits {
  /** Workgroup memory, in vectors of 16 bytes. */
  readonly vectors: number;
  readonly threads: number;
}

/** What every WebGPU device has: 16 KiB of workgroup memory and 256 threads. */
export const GUARANTEED_LIMITS: WorkgroupLimits = { vectors: 1024, threads: 256 };
