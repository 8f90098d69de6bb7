/** What a workgroup may use on a device. */
export interface WorkgroupLimits {
  /** Workgroup memory, in vectors of 16 bytes. */
  readonly vectors: number;
  readonly threads: number;
}

/** The minimum of every WebGPU device: 16 KiB of workgroup memory and 256 threads. */
export const GUARANTEED_LIMITS: WorkgroupLimits = { vectors: 1024, threads: 256 };
