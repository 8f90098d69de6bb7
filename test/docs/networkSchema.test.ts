/** docs/network.schema.json: what the definitions say, and as strict as the reader. */

import { readdirSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { describeError } from '../../src/foundation/errors.js';
import { buildModel, networkFileSchema, networkFileText, networkFromContent } from '../../src/model/index.js';

const text = readFileSync(new URL('../../docs/network.schema.json', import.meta.url), 'utf8');
const isValid = new Ajv({ strict: false }).compile(JSON.parse(text) as object);

const layers = [
  { kind: 'convolution', name: 'conv', channels: 4 },
  { kind: 'global-average-pool', name: 'pool' },
  { kind: 'dense', name: 'logits', channels: 10 },
];
const GOOD = { inputShape: { height: 32, width: 32, channels: 3 }, classCount: 10, layers };

/** What the reader says; undefined if it takes the file. */
function fault(content: unknown): string | undefined {
  try {
    networkFromContent(content, 'own.json');
    return undefined;
  } catch (error) {
    return describeError(error);
  }
}

function withLayer(change: object): object {
  return { ...GOOD, layers: [{ ...layers[0], ...change }, ...layers.slice(1)] };
}

it('is what the definitions say (else: npm run docs)', () => {
  expect(JSON.parse(text)).toEqual(networkFileSchema());
});

const folder = new URL('../../examples/networks/', import.meta.url);
const manual = readFileSync(new URL('../../docs/networks.md', import.meta.url), 'utf8');
const examples: readonly (readonly [string, string])[] = [
  ...readdirSync(folder).map((name) => [name, readFileSync(new URL(name, folder), 'utf8')] as const),
  ['docs/networks.md', /```json\n(\{\n {2}"inputShape"[^`]*)```/.exec(manual)![1]!],
  ...['resnet8', 'resnet20b', 'wrn-10-2', 'notebook'].map(
    (name) => [name, networkFileText(buildModel(name, 0.1))] as const,
  ),
  ['with $schema', JSON.stringify({ $schema: 'network.schema.json', ...GOOD })],
];

it.each(examples)('accepts %s, as the reader does', (_, example) => {
  const content: unknown = JSON.parse(example);
  expect(isValid(content), JSON.stringify(isValid.errors)).toBe(true);
  expect(fault(content)).toBeUndefined();
});

it.each([
  ['no layers', { ...GOOD, layers: [] }],
  ['neither classes nor their number', { inputShape: GOOD.inputShape, layers }],
  ['both', { ...GOOD, classNames: Array.from({ length: 10 }, (_, label) => `class ${label}`) }],
  ['one class', { ...GOOD, classCount: 1 }],
  ['no image shape', { classCount: 10, layers }],
  ['an image without height', { ...GOOD, inputShape: { ...GOOD.inputShape, height: 0 } }],
  ['an unknown key', { ...GOOD, color: 'red' }],
  ['an unknown key of a layer', withLayer({ colour: 'red' })],
  ['an unknown kind', withLayer({ kind: 'convolutoin' })],
  ['a name with a space', withLayer({ name: 'my layer' })],
  ['no channels', withLayer({ channels: undefined })],
  ['half a channel', withLayer({ channels: 1.5 })],
  ['a kernel of 5', withLayer({ kernelSize: 5 })],
  ['a stride of 3', withLayer({ stride: 3 })],
  ['a text for a switch', withLayer({ bias: 'yes' })],
  ['a tensor that no convolution has', withLayer({ frozen: ['scale'] })],
  ['an unknown first value', withLayer({ initial: { weight: { kind: 'ones' } } })],
  ['a list', [GOOD]],
])('rejects %s, as the reader does', (_, content) => {
  const asFile: unknown = JSON.parse(JSON.stringify(content));
  expect(isValid(asFile)).toBe(false);
  expect(fault(asFile)).toBeDefined();
});

describe('what only the reader finds names the layer, the shapes and the rule', () => {
  const sum = { kind: 'add', name: 'sum', input: 'conv2', other: 'conv' };
  const strided = { kind: 'convolution', name: 'conv2', channels: 4, stride: 2 };
  it.each([
    [
      'shapes that cannot be added',
      [layers[0], strided, sum],
      ['layer sum', '16x16x4 and 32x32x4', 'must be equal'],
    ],
    ['a dense layer on a map', [layers[0], layers[2]], ['layer logits', '32x32x4', 'must be 1x1']],
    ['a last layer of other channels', layers.slice(0, 2), ['last layer pool', '1x1x4', '1x1x10']],
    ['an unknown input', [{ ...layers[0], input: 'conv0' }], ['layer conv', 'reads conv0', 'no layer']],
    [
      'a window that does not fit',
      [
        { kind: 'convolution', name: 'c', channels: 4 },
        ...Array.from({ length: 3 }, (_, index) => ({ kind: 'max-pool', name: `p${index}`, size: 8 })),
      ],
      ['layer p1', '8x8', '4x4x4'],
    ],
  ])('%s', (_, own, words) => {
    const content: unknown = { ...GOOD, layers: own };
    expect(isValid(content)).toBe(true);
    const message = fault(content);
    for (const word of words) expect(message).toContain(word);
  });
});
