/** What a data set may be called. */

import type { TextForm } from '../../foundation/options/kind.js';

/** A plain word: it appears in messages and files. */
export const DATASET_NAME = /^[A-Za-z0-9][\w.-]{0,63}$/;

/** Of a finished recipe: `cifar10`, `synthetic`, or the name that a program gave its own data. */
export const SETTLED_DATASET: TextForm = {
  matches: (text) => DATASET_NAME.test(text) && text !== 'auto',
  rule: 'the name of a data set: a word of letters, digits, ".", "_" and "-"',
};
