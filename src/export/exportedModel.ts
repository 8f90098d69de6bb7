/** What is exported: a network with the weights that `evaluate` uses, and how images are prepared for it. */

import type { Normalisation } from '../data/index.js';
import type { Model, ModelState } from '../model/index.js';

export interface ExportedModel {
  readonly model: Model;
  readonly state: ModelState;
  readonly normalisation: Normalisation;
  /** Digest of the weights in Lockstep's own order. */
  readonly weightsSha256: string;
}

/** One file of an export. */
export interface ExportedFile {
  /** Inside the folder. */
  readonly name: string;
  readonly content: string | Uint8Array;
}

export const EXPORT_FORMATS = ['pytorch', 'onnx', 'tfjs'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
