/** Which frames a scenario waits for. */

import type { Piece } from './frames.js';

/** Work of this step or a later one: a node need not get some of every step. Steps count from 0, as in messages. */
export function asksFor(step: number): (piece: Piece) => boolean {
  return ({ from, message }) => from === 'coordinator' && message?.type === 'work' && message.step >= step;
}

/** The weights that this step or a later one begins with. */
export function isParametersOf(step: number): (piece: Piece) => boolean {
  return ({ message }) => message?.type === 'parameters' && message.version >= step;
}

/** A result of exactly this item, or, with no item named, of this step or a later one. */
export function isResultOf(step: number, microBatch?: number): (piece: Piece) => boolean {
  return ({ from, message }) =>
    from === 'node' &&
    message?.type === 'result' &&
    (microBatch === undefined
      ? message.step >= step
      : message.step === step && message.microBatch === microBatch);
}
