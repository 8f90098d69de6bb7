/** What a data set may be called. */

import path from 'node:path';
import { OptionError } from '../../foundation/options/optionError.js';
import type { TextForm } from '../../foundation/options/kind.js';

/** A plain word: it appears in messages and files. */
export const DATASET_NAME = /^[A-Za-z0-9][\w.-]{0,63}$/;

/** Of a finished recipe: `cifar10`, `synthetic`, or the name that a program gave its own data. */
export const SETTLED_DATASET: TextForm = {
  matches: (text) => DATASET_NAME.test(text) && text !== 'auto',
  rule: 'the name of a data set: a word of letters, digits, ".", "_" and "-"',
};

const WITH_FOLDER = /^(folder|idx):(.+)$/s;

/** A data set with its folder, as a user may write it. */
export const DATASET_IN_FOLDER: TextForm = {
  matches: (text) => WITH_FOLDER.test(text),
  rule: 'folder:DIR or idx:DIR',
};

/** What the recipe keeps, and the folder, which belongs to this machine. */
export interface LocatedDataset {
  readonly dataset: string;
  readonly dataDir: string | undefined;
}

/**
 * @param dataDir as it was given besides, if it was
 * @throws OptionError if that is another folder
 */
export function locateDataset(dataset: string, dataDir: string | undefined): LocatedDataset {
  const [, name, folder] = WITH_FOLDER.exec(dataset) ?? [];
  if (name === undefined || folder === undefined) return { dataset, dataDir };
  if (dataDir !== undefined && path.resolve(dataDir) !== path.resolve(folder)) {
    throw new OptionError(
      [
        { option: 'dataset', value: dataset },
        ' contradicts ',
        { option: 'dataDir', value: dataDir },
        ', which names another folder',
      ],
      [{ kind: 'leave-out', option: 'dataDir' }],
    );
  }
  return { dataset: name, dataDir: folder };
}
