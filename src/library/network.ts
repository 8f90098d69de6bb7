/** The recipe's `model` as a program gives it: a preset's name, or a network of its own. */

import { OptionError } from '../foundation/options/optionError.js';
import { isRecord } from '../foundation/isRecord.js';
import { isPresetName, whyNoPreset } from '../model/index.js';
import type { NetworkEntry } from '../model/index.js';
import type { NetworkSource } from '../session/index.js';

/** A network of your own, as docs/networks.md describes it; `NetworkBuilder` writes the layers. */
export interface OwnNetwork extends Pick<NetworkEntry, 'inputShape' | 'layers'> {
  /** For people; `own` if left out. */
  readonly name?: string | undefined;
  /** One for each class, by label: those of the data. */
  readonly classNames?: readonly string[] | undefined;
  /** In place of their names: the classes are called as in the data. */
  readonly classCount?: number | undefined;
}

const UNNAMED = 'own';

/**
 * @returns the network, and what the recipe calls it
 * @throws OptionError for what is no network; its layers are checked later
 */
export function networkSource(model: unknown): {
  readonly network: NetworkSource;
  readonly name: string;
} {
  if (typeof model === 'string') {
    if (isPresetName(model)) return { network: { kind: 'preset', name: model }, name: model };
    throw new OptionError(
      [{ option: 'model', value: model }, ` must be ${whyNoPreset(model)!}; or the layers of a network`],
      [{ kind: 'advice', sentence: ['of a file, give JSON.parse of its text'] }],
    );
  }
  if (!isRecord(model)) {
    throw new OptionError(
      [{ option: 'model' }, ` must be a name such as resnet20, or { inputShape, classCount, layers }`],
      [],
    );
  }
  const { name = UNNAMED } = model;
  const description = Object.fromEntries(Object.entries(model).filter(([, value]) => value !== undefined));
  return { network: { kind: 'description', description }, name: String(name) };
}
