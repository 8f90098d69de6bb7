/** The identity of a round, and of each of its items, within a run. Both are made here and nowhere else. */

/** A micro-batch of a step, or a chunk of an evaluation. */
export type ItemKind = 'work' | 'evaluate';

declare const brand: unique symbol;

/** Identifies a round: all micro-batches of one step, or all chunks of one evaluation. */
export type RoundKey = string & { readonly [brand]: 'round' };

/** Identifies an item. Equal keys mean the same item, whoever computes it. */
export type ItemKey = string & { readonly [brand]: 'item' };

/** @param round the number of the step or of the evaluation */
export function roundKey(kind: ItemKind, round: number): RoundKey {
  return `${kind} ${round}` as RoundKey;
}

/** @param index of the micro-batch or chunk, within its round */
export function itemKey(round: RoundKey, index: number): ItemKey {
  return `${round}/${index}` as ItemKey;
}
