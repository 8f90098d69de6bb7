/**
 * A network in a file of the user's own: a description in which the name may be missing, and the number of classes may
 * stand in the place of their names. The config.json of a run with such a network holds it, too, under `network`.
 */

import { isRecord } from '../foundation/isRecord.js';
import { NETWORK_LIMITS } from './limits.js';
import { networkFault } from './network.js';
import { networkFrom, parseNetworkJson } from './networkText.js';
import type { Model } from './model.js';
import { numberedClass } from './numberedClass.js';
import { isPresetName } from './presets.js';

export interface NetworkFile {
  readonly model: Model;
  /** False: the classes are numbered, and take the names of the data set. */
  readonly hasClassNames: boolean;
}

/**
 * @param file as the user names it, for messages and for a network without a name
 * @throws LockstepError E_MODEL
 */
export function networkFromFile(text: string, file: string): NetworkFile {
  return networkFromContent(parseNetworkJson(text, file), file);
}

/**
 * The same for what such a file holds.
 * @throws LockstepError E_MODEL
 */
export function networkFromContent(content: unknown, file: string): NetworkFile {
  const value = isRecord(content) && isRecord(content['network']) ? content['network'] : content;
  if (!isRecord(value)) throw networkFault(file, 'it must be one JSON object; see docs/networks.md');
  const { classCount, $schema: _, ...rest } = value; // editors read $schema
  const name = rest['name'] ?? labelOf(file);
  if (typeof rest['name'] === 'string' && isPresetName(rest['name'])) {
    throw networkFault(file, `its name ${rest['name']} is that of a preset; give it another, or none`);
  }
  if (classCount === undefined) return { model: networkFrom({ ...rest, name }, file), hasClassNames: true };
  if ('classNames' in rest) {
    throw networkFault(file, 'it has both classCount and classNames; leave one of them out');
  }
  const classNames = numberedClasses(classCount, file);
  return { model: networkFrom({ ...rest, name, classNames }, file), hasClassNames: false };
}

/** The same network for classes of other names; as many. */
export function withClassNames({ description, name }: Model, classNames: readonly string[]): Model {
  return networkFrom({ ...description, classNames }, name);
}

/** What a file of one's own can begin with: what follows by itself is left out, and each layer is on a line. */
export function networkFileText({ description }: Model): string {
  const { inputShape, classNames, layers } = description;
  const lines = layers.map((layer, index) => {
    const { input, ...rest } = layer;
    const isBefore = index > 0 && layers[index - 1]!.name === input;
    return `    ${JSON.stringify(isBefore ? rest : layer)}`;
  });
  const hasNames = classNames.some((name, label) => name !== numberedClass(label));
  const classes = hasNames
    ? `"classNames": ${JSON.stringify(classNames)}`
    : `"classCount": ${classNames.length}`;
  return `{\n  "inputShape": ${JSON.stringify(inputShape)},\n  ${classes},\n  "layers": [\n${lines.join(',\n')}\n  ]\n}`;
}

function numberedClasses(count: unknown, file: string): readonly string[] {
  const most = NETWORK_LIMITS.classes;
  if (!Number.isInteger(count) || (count as number) < 2 || (count as number) > most) {
    throw networkFault(file, `classCount must be an integer from 2 to ${most}; see docs/networks.md`);
  }
  return Array.from({ length: count as number }, (_, label) => numberedClass(label));
}

/** The file's own name, plain and not that of a preset. */
function labelOf(file: string): string {
  const base = file.split(/[\\/]/).at(-1)!;
  const plain = base
    .replace(/\.json$/i, '')
    .replace(/[^\w.-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 50);
  if (plain === '') return 'network';
  return isPresetName(plain) ? `${plain}.json` : plain;
}
