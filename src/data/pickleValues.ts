/** What a pickle can hold, and what its values are. */

/** A numpy array of bytes, C order. */
export interface PickledArray {
  readonly kind: 'array';
  shape: readonly number[];
  bytes: Uint8Array; // a view of the file's buffer where the file allows it
}

interface PickledType {
  readonly kind: 'type';
  readonly name: string;
}

export interface PickledGlobal {
  readonly kind: 'global';
  readonly role: 'reconstruct' | 'array' | 'type' | 'encode';
}

/** Lists and tuples are arrays; a dict's keys are strings; Python 2 strings and bytes are byte arrays. */
export type PickleValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | PickleValue[]
  | Map<string, PickleValue>
  | PickledArray
  | PickledType
  | PickledGlobal;

/** Keys and type names that matter are short; reading one costs a copy. */
export const LONGEST_NAME = 100;
export const MOST_DIMENSIONS = 4;

/** Why a pickle was refused; the caller adds the file's name. */
export class PickleError extends Error {}

export function isKind<Kind extends 'array' | 'type' | 'global'>(
  value: PickleValue | undefined,
  kind: Kind,
): value is Extract<PickleValue, { readonly kind: Kind }> {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind;
}

/** Python 2 writes strings as bytes. @returns undefined for a long string, and for any other value */
export function asText(value: PickleValue): string | undefined {
  if (value instanceof Uint8Array && value.length <= LONGEST_NAME)
    return Buffer.from(value).toString('latin1');
  return typeof value === 'string' && value.length <= LONGEST_NAME ? value : undefined;
}

export function isShape(value: PickleValue | undefined): value is number[] {
  return (
    Array.isArray(value) &&
    value.length <= MOST_DIMENSIONS &&
    value.every((size) => typeof size === 'number' && size >= 0)
  );
}
