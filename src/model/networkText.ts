/** Networks as JSON, in checkpoints, files and messages. Strict: unknown keys are refused. */

import { z } from 'zod';
import { CLASS_NAME, CLASS_NAME_RULE } from '../foundation/className.js';
import { describeError } from '../foundation/errors.js';
import type { LockstepError } from '../foundation/errors.js';
import { isRecord } from '../foundation/isRecord.js';
import { LAYER_KINDS, layerEntrySchema } from './layerKinds.js';
import type { LayerDescription } from './layerKinds.js';
import { INITIAL_KINDS } from './layerTensors.js';
import { NETWORK_LIMITS } from './limits.js';
import { IMAGES_NAME } from './model.js';
import type { Model, NetworkDescription } from './model.js';
import { buildNetwork, networkFault } from './network.js';

/** A network's name: plain, for it becomes part of folder names. */
export const networkNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]{0,59}$/, 'must be 1 to 60 letters, digits, dots, hyphens or underscores');

const side = z.int().min(1).max(NETWORK_LIMITS.side);
const classNameSchema = z.string().regex(CLASS_NAME, `must be ${CLASS_NAME_RULE}`);

const networkSchema = z.strictObject({
  name: networkNameSchema,
  inputShape: z.strictObject({
    height: side,
    width: side,
    channels: z.int().min(1).max(NETWORK_LIMITS.imageChannels),
  }),
  classNames: z.array(classNameSchema).min(2).max(NETWORK_LIMITS.classes),
  layers: z.array(layerEntrySchema).min(1),
});

/** What a file may hold: a name is optional, and the classes may be counted only. `$schema` is for editors. */
export const networkFileShape = networkSchema.partial({ name: true, classNames: true }).extend({
  $schema: z.string().optional(),
  classCount: z.int().min(2).max(NETWORK_LIMITS.classes).optional(),
});

/** In the form that `networkFromText` reads. */
export function networkText({ description }: Pick<Model, 'description'>): string {
  return JSON.stringify(description);
}

/**
 * @param origin of the text, for messages, such as `own.json`
 * @throws LockstepError E_MODEL if the text is too long, not JSON, or no network
 */
export function networkFromText(text: string, origin: string): Model {
  return networkFrom(parseNetworkJson(text, origin), origin);
}

/** @throws LockstepError E_MODEL if the text is too long or not JSON */
export function parseNetworkJson(text: string, origin: string): unknown {
  const { textLength } = NETWORK_LIMITS;
  if (text.length > textLength) {
    throw networkFault(origin, `its ${text.length} characters are more than ${textLength}; make it smaller`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw networkFault(origin, `it must be JSON: ${describeError(error)}`);
  }
}

/**
 * Builds a network from a description of any origin.
 * @throws LockstepError E_MODEL, naming the layer, the rule and the remedy
 */
export function networkFrom(value: unknown, origin: string): Model {
  const description = checkedDescription(value, origin);
  refuseLong(description, origin);
  return buildNetwork(description, origin);
}

/** As it is kept and sent: a program can describe more than any checkpoint or worker would read. */
function refuseLong(description: NetworkDescription, origin: string): void {
  const values = description.layers.flatMap((layer) =>
    'initial' in layer ? Object.values(layer.initial ?? {}) : [],
  );
  const valueCount = values.reduce(
    (sum, start) => sum + (start.kind === 'values' ? start.values.length : 0),
    0,
  );
  // Each value takes two characters at least. What is far too long is not made a text at all.
  if (2 * valueCount > NETWORK_LIMITS.textLength) throw tooLong(2 * valueCount, origin);
  const { length } = networkText({ description });
  if (length > NETWORK_LIMITS.textLength) throw tooLong(length, origin);
}

function tooLong(characters: number, origin: string): LockstepError {
  const most = NETWORK_LIMITS.textLength;
  return networkFault(
    origin,
    `its ${characters} characters as JSON are more than ${most}; give fewer initial values, or with fewer digits`,
  );
}

function checkedDescription(value: unknown, origin: string): NetworkDescription {
  if (!isRecord(value)) throw networkFault(origin, 'it must be one JSON object; see docs/networks.md');
  const layers = value['layers'];
  if (Array.isArray(layers) && layers.length > NETWORK_LIMITS.layers) {
    const most = NETWORK_LIMITS.layers;
    throw networkFault(origin, `its ${layers.length} layers are more than ${most}; use fewer`);
  }
  const parsed = networkSchema.safeParse(value);
  if (parsed.success) return { ...parsed.data, layers: withInputs(parsed.data.layers) };
  throw networkFault(origin, `${issueText(value, parsed.error.issues[0]!)}; see docs/networks.md`);
}

/** A layer reads the one before it unless it says otherwise. Equal networks have equal texts. */
function withInputs(layers: z.output<typeof networkSchema>['layers']): readonly LayerDescription[] {
  return layers.map((layer, index) => {
    const { kind, name, input = layers[index - 1]?.name ?? IMAGES_NAME, ...rest } = layer;
    return { kind, name, input, ...rest } as LayerDescription;
  });
}

/** Such as `layers[3] (conv2).stride: must be 1 or 2`. */
function issueText(value: Readonly<Record<string, unknown>>, issue: z.core.$ZodIssue): string {
  let at: unknown = value;
  let where = '';
  for (const key of issue.path) {
    at = (at as Record<PropertyKey, unknown> | undefined)?.[key];
    where += typeof key === 'number' ? `[${key}]${nameOf(at)}` : `${where === '' ? '' : '.'}${String(key)}`;
  }
  if (issue.code === 'invalid_union' && issue.path.at(-1) === 'kind') {
    const kinds = issue.path.includes('initial') ? INITIAL_KINDS : LAYER_KINDS;
    return `${where}: ${at === undefined ? 'nothing' : JSON.stringify(at).slice(0, 60)} must be one of ${kinds.join(', ')}`;
  }
  return `${where}${where === '' ? '' : ': '}${ruleText(issue, at)}`;
}

/** Zod's own English is not ours; rules that have a text of ours keep it. */
function ruleText(issue: z.core.$ZodIssue, value: unknown): string {
  if (!/^(Invalid|Too|Unrecognized)/.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      if (value === undefined) return 'is missing';
      return `${shown(value)}must be ${TYPE_NAMES.get(issue.expected) ?? `of type ${issue.expected}`}`;
    case 'too_small':
      return `${shown(value)}must ${boundText(issue.origin, issue.inclusive === false ? 'above' : 'at least', issue.minimum)}`;
    case 'too_big':
      return `${shown(value)}must ${boundText(issue.origin, issue.inclusive === false ? 'below' : 'at most', issue.maximum)}`;
    case 'unrecognized_keys':
      return `${issue.keys.map((key) => JSON.stringify(key).slice(0, 60)).join(', ')} is no option here; leave it out`;
    case 'invalid_value':
      return `${shown(value)}must be ${issue.values.map((each) => JSON.stringify(each)).join(' or ')}`;
    default:
      return `${shown(value)}is not allowed here`;
  }
}

const TYPE_NAMES: ReadonlyMap<string, string> = new Map([
  ['int', 'an integer'],
  ['number', 'a number'],
  ['string', 'a text'],
  ['boolean', 'true or false'],
  ['array', 'a list'],
  ['object', 'an object'],
  ['record', 'an object'],
]);

function boundText(origin: string, which: string, bound: number | bigint): string {
  const isNumber = ['int', 'number', 'bigint'].includes(origin);
  return isNumber ? `be ${which} ${bound}` : `have ${which} ${bound} ${entriesText(origin, bound)}`;
}

function entriesText(origin: string, bound: number | bigint): string {
  const [one, many] = origin === 'string' ? ['character', 'characters'] : ['entry', 'entries'];
  return Number(bound) === 1 ? one : many;
}

/** Only what is short: the file has the rest. */
function shown(value: unknown): string {
  const isShort = ['number', 'boolean', 'string'].includes(typeof value) || value === null;
  if (!isShort) return '';
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value); // Infinity, from a program
  return `${text.slice(0, 60)} `;
}

/** Only a plain name is shown: the rest of the text may be anything. */
function nameOf(entry: unknown): string {
  const name = isRecord(entry) ? networkNameSchema.safeParse(entry['name']) : undefined;
  return name?.success === true ? ` (${name.data})` : '';
}
