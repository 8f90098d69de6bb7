/** What a browser is asked to compute, and what it answers, as JSON; arrays are their bytes in base64. */

import type { Numerics } from '../../../../src/engine/engine.js';
import type { RandomKey } from '../../../../src/foundation/random.js';
import type { Model } from '../../../../src/model/index.js';

export interface Job {
  readonly name: string;
  readonly model: Model;
  readonly numerics: Numerics;
  /** Left out: `simd`. */
  readonly engine?: 'simd' | 'webgpu';
  readonly parameters: string;
  readonly statistics: string;
  readonly images: string;
  readonly labels: string;
  readonly dropoutKey: RandomKey;
}

export interface Answer {
  readonly name: string;
  readonly numericsClass: string;
  /** Two sums in float64, of the gradient and of the evaluation. */
  readonly losses: string;
  readonly gradientSum: string;
  readonly batchStatistics: string;
  readonly logits: string;
}

export function toBase64(array: Float32Array | Float64Array | Uint8Array): string {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

export function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

export const floatsOf = (base64: string): Float32Array => new Float32Array(bytesOf(base64).buffer);
