/** From what is asked for to a network: a preset's name, a file's text, or a description that a program holds. */

import { checkNetworkFitsData } from '../coordinator/index.js';
import type { ImageFormat } from '../data/index.js';
import { OptionError } from '../foundation/options/optionError.js';
import { buildModel, networkFromContent, networkFromFile, withClassNames } from '../model/index.js';
import type { Model, NetworkFile } from '../model/index.js';

export type NetworkSource =
  | { readonly kind: 'preset'; readonly name: string }
  /** @param file its name, for messages and for a network without a name */
  | { readonly kind: 'file'; readonly file: string; readonly text: string }
  /** A description as in a file, from a program. */
  | { readonly kind: 'description'; readonly description: unknown };

export interface RequestedNetwork {
  /** Without a data set: a preset is made for images and classes like those of CIFAR-10. */
  readonly model: Model;
  /**
   * For a data set: a preset takes its images and classes, another network must fit it.
   * @throws LockstepError E_MODEL if it does not
   */
  readonly forData: (dataset: string, format: ImageFormat) => Model;
}

/**
 * @throws LockstepError E_MODEL for a network that cannot be built, OptionError if a dropout rate is given beside a network
 *   that has its own layers
 */
export function requestNetwork(source: NetworkSource, dropout: number): RequestedNetwork {
  if (source.kind === 'preset') {
    return {
      model: buildModel(source.name, dropout),
      forData: (_, { imageShape: inputShape, classNames }) =>
        buildModel(source.name, dropout, { inputShape, classNames }),
    };
  }
  const { model, hasClassNames } = ownNetwork(source);
  if (dropout > 0) throw dropoutBesides(dropout, source.kind === 'file' ? source.file : model.name);
  return {
    model,
    forData: (dataset, format) => {
      const isNumbered = !hasClassNames && model.classCount === format.classNames.length;
      const named = isNumbered ? withClassNames(model, format.classNames) : model;
      checkNetworkFitsData(named, dataset, format);
      return named;
    },
  };
}

/** What a description without a name is called. */
const UNNAMED = 'own';

function ownNetwork(source: Exclude<NetworkSource, { kind: 'preset' }>): NetworkFile {
  return source.kind === 'file'
    ? networkFromFile(source.text, source.file)
    : networkFromContent(source.description, UNNAMED);
}

function dropoutBesides(dropout: number, network: string): OptionError {
  return new OptionError(
    [{ option: 'dropout', value: dropout }, ` is for named networks, and ${network} has its own layers`],
    [
      { kind: 'advice', sentence: ['put a dropout layer into it'] },
      { kind: 'leave-out', option: 'dropout' },
    ],
  );
}
