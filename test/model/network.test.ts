import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LockstepError } from '../../src/foundation/errors.js';
import {
  buildModel,
  NETWORK_LIMITS,
  networkFileText,
  networkFrom,
  networkFromFile,
  networkFromText,
  networkText,
  summarise,
  trainingMemory,
  withClassNames,
} from '../../src/model/index.js';
import type { LayerEntry, NetworkEntry } from '../../src/model/index.js';
import { LONGEST_NETWORK, MOST_CHANNELS } from '../../src/protocol/index.js';
import { thrownBy } from '../support/errors.js';
import { largeNetwork } from '../support/largeNetwork.js';
import { CONVOLUTION_KINDS, MODERN_LAYERS } from '../support/tinyModels.js';

const CLASSES = ['a', 'b', 'c', 'd', 'e'];
const LAYERS: readonly LayerEntry[] = [
  { kind: 'convolution', name: 'conv1', channels: 4 },
  { kind: 'relu', name: 'relu1' },
  { kind: 'convolution', name: 'conv2', channels: 6, stride: 2 },
  { kind: 'batch-normalisation', name: 'norm2' },
  { kind: 'shortcut', name: 'short', input: 'relu1', channels: 6, stride: 2 },
  { kind: 'add', name: 'sum', input: 'norm2', other: 'short' },
  { kind: 'global-average-pool', name: 'pool' },
  { kind: 'dense', name: 'dense', channels: 5 },
];
const NETWORK: NetworkEntry = {
  name: 'own',
  inputShape: { height: 20, width: 13, channels: 1 },
  classNames: CLASSES,
  layers: LAYERS,
};

const withLayer = (index: number, change: object): unknown => ({
  ...NETWORK,
  layers: LAYERS.map((layer, at) => (at === index ? { ...layer, ...change } : layer)),
});
const refusalOf = (value: unknown): string =>
  thrownBy('E_MODEL', () => networkFrom(value, 'own.json')).message;

describe('a network from its description', () => {
  it('has the shapes and tensors that follow from the layers', () => {
    const model = networkFrom(NETWORK, 'own.json');
    expect(model).toMatchObject({ name: 'own', classCount: 5, classNames: CLASSES });
    expect(model.layers.map(({ name, input }) => [name, input])).toEqual([
      ['conv1', -1],
      ['relu1', 0],
      ['conv2', 1],
      ['norm2', 2],
      ['short', 1],
      ['sum', 3],
      ['pool', 5],
      ['dense', 6],
    ]);
    expect(model.layers[2]!.outputShape).toEqual({ height: 10, width: 7, channels: 6 });
    expect(model.layout.parameters.map(({ name, shape, offset }) => [name, shape.join('x'), offset])).toEqual(
      [
        ['conv1.weight', '3x3x1x4', 0],
        ['conv2.weight', '3x3x4x6', 36],
        ['norm2.scale', '6', 252],
        ['norm2.shift', '6', 258],
        ['dense.weight', '6x5', 264],
        ['dense.bias', '5', 294],
      ],
    );
    expect(model.layout).toMatchObject({ parameterCount: 299, statisticCount: 12 });
  });

  it.each(['resnet8', 'resnet20x2', 'notebook'])('is the same after it was written and read: %s', (name) => {
    const model = buildModel(name, 0.25);
    const read = networkFromText(networkText(model), 'of a test');
    expect(read).toEqual(model);
    expect(networkText(read)).toBe(networkText(model));
  });

  it('has one text, in whatever order its parts were written', () => {
    const { layers, ...rest } = NETWORK;
    const turned = {
      layers: layers.map((layer) => Object.fromEntries(Object.entries(layer).reverse())),
      ...rest,
    };
    expect(networkText(networkFrom(turned, 'a'))).toBe(networkText(networkFrom(NETWORK, 'b')));
  });

  it.each<[string, unknown, RegExp]>([
    ['nothing', null, /must be one JSON object/],
    ['a list', [], /must be one JSON object/],
    ['an unknown key', { ...NETWORK, layer: [] }, /layer/],
    ['no layers', { ...NETWORK, layers: [] }, /layers: must have at least 1 entry;/],
    [
      'an unknown kind',
      withLayer(1, { kind: 'tanh' }),
      /layers\[1\] \(relu1\)\.kind: "tanh" must be one of convolution, /,
    ],
    ['an unknown option', withLayer(1, { slope: 2 }), /layers\[1\] \(relu1\): .*slope/],
    ['a stride of 3', withLayer(2, { stride: 3 }), /layers\[2\] \(conv2\)\.stride: must be 1 or 2/],
    ['a kernel of 5', withLayer(2, { kernelSize: 5 }), /kernelSize: must be 1, 2 or 3/],
    ['a window of 9', withLayer(1, { kind: 'max-pool', size: 9 }), /layers\[1\] \(relu1\)\.size: /],
    [
      'a window larger than its map',
      withLayer(3, { kind: 'max-pool', size: 8 }),
      /its window of 8x8 does not fit into 10x7x6; make it smaller/,
    ],
    ['a frozen tensor that no layer of the kind has', withLayer(0, { frozen: ['scale'] }), /frozen/],
    ['a frozen bias that is not there', withLayer(0, { frozen: ['bias'] }), /it has no bias to freeze/],
    [
      'too few values to start from',
      withLayer(0, { initial: { weight: { kind: 'values', values: [1, 2] } } }),
      /initial weight has 2 values and must have \d+; give one for each/,
    ],
    [
      'a bias that starts as a filter',
      withLayer(0, { bias: true, initial: { bias: { kind: 'dirac' } } }),
      /initial bias cannot be dirac/,
    ],
    ['no channels', withLayer(2, { channels: 0 }), /channels: 0 must be at least 1;/],
    ['half a channel', withLayer(2, { channels: 1.5 }), /channels/],
    [
      'a rate that is not finite',
      withLayer(1, { kind: 'dropout', rate: Infinity }),
      /rate: Infinity must be a number;/,
    ],
    ['a rate of 1', withLayer(1, { kind: 'dropout', rate: 1 }), /rate: 1 must be below 1;/],
    ['a momentum of 0', withLayer(3, { momentum: 0 }), /momentum: 0 must be above 0;/],
    [
      'an unknown way to start',
      withLayer(0, { initial: { weight: { kind: 'ones' } } }),
      /initial\.weight\.kind: "ones" must be one of kaiming, dirac, zero, whitening, values;/,
    ],
    [
      'a start of a tensor that no layer of the kind has',
      withLayer(0, { initial: { scale: { kind: 'zero' } } }),
      /initial: "scale" is no option here; leave it out;/,
    ],
    [
      'a start of a tensor whose name steers a terminal',
      withLayer(0, { initial: { '\u001b[2J': { kind: 'zero' } } }),
      /^[^\u001b]*initial: "\\u001b\[2J" is no option here/,
    ],
    [
      'a later layer as input',
      withLayer(1, { input: 'pool' }),
      /layer relu1: it reads pool, which does not come before it/,
    ],
    ['itself as input', withLayer(1, { input: 'relu1' }), /it reads relu1, which does not come before it/],
    ['an input that is nowhere', withLayer(1, { input: 'convl' }), /it reads convl, which is no layer/],
    ['an input of Object', withLayer(1, { input: 'constructor' }), /which is no layer/],
    ['a name twice', withLayer(1, { name: 'conv1' }), /layer conv1: its name is taken/],
    ['the name of the images', withLayer(1, { name: 'images' }), /its name is taken/],
    ['the name of a momentum', withLayer(1, { name: 'momentum.conv1' }), /must not begin with momentum/],
    [
      'a name that steers a terminal',
      withLayer(1, { name: '\u001b[2J' }),
      /^[^\u001b]*name: must be 1 to 60 letters/,
    ],
    ['__proto__ as a name', withLayer(1, { name: '__proto__' }), /name: must be/],
    [
      'a sum of other shapes',
      withLayer(5, { other: 'relu1' }),
      /it adds 10x7x6 and 20x13x4, which must be equal/,
    ],
    ['a shortcut to fewer channels', withLayer(4, { channels: 3 }), /channels 3 must be at least the 4/],
    [
      'a dense layer on an image',
      withLayer(7, { input: 'sum' }),
      /its input is 10x7x6 and must be 1x1 pixels; put a global/,
    ],
    [
      'other logits than classes',
      withLayer(7, { channels: 6 }),
      /dense puts out 1x1x6 and must put out 1x1x5/,
    ],
    ['one class', { ...NETWORK, classNames: ['a'] }, /classNames: must have at least 2 entries/],
    [
      'more classes than a byte',
      { ...NETWORK, classNames: new Array(257).fill('a') },
      /classNames: must have at most 256 entries/,
    ],
    ['a class that steers a terminal', { ...NETWORK, classNames: ['a\nb', ...CLASSES] }, /printable/],
    [
      'an image of no height',
      { ...NETWORK, inputShape: { height: 0, width: 1, channels: 1 } },
      /inputShape.height/,
    ],
    ['a name with a slash', { ...NETWORK, name: '../x' }, /name: must be/],
    [
      'no parameters',
      {
        ...NETWORK,
        layers: [{ kind: 'global-average-pool', name: 'p' }],
        classNames: ['a', 'b'],
        inputShape: { height: 2, width: 2, channels: 2 },
      },
      /no parameters/,
    ],
  ])('is refused for %s', (_, value, message) => {
    expect(refusalOf(value)).toMatch(message);
    expect(refusalOf(value)).toMatch(/^the network own\.json cannot be used: /);
  });

  it('is refused in words of our own, whatever has another type', () => {
    const texts: string[] = [];
    const tryAll = (value: object, replace: (part: unknown) => unknown): void => {
      for (const [key, part] of Object.entries(value as Readonly<Record<string, unknown>>)) {
        for (const odd of [null, undefined, -1, 1.5, NaN, 1e99, '', 'x', true, [], {}, [1], { a: 1 }]) {
          try {
            networkFrom(replace({ ...value, [key]: odd }), 'own.json');
          } catch (error) {
            expect(error).toMatchObject({ code: 'E_MODEL' });
            texts.push((error as Error).message);
          }
        }
        if (typeof part === 'object' && part !== null && !Array.isArray(part)) {
          tryAll(part, (inner) => replace({ ...value, [key]: inner }));
        }
      }
    };
    const initial = { weight: { kind: 'values', values: [1] }, bias: { kind: 'zero' } };
    tryAll(NETWORK, (network) => network);
    for (const layer of [
      {
        kind: 'convolution',
        name: 'one',
        channels: 4,
        padding: 'same',
        bias: true,
        frozen: ['bias'],
        initial,
      },
      { kind: 'batch-normalisation', name: 'two', epsilon: 1e-5, momentum: 0.1 },
      { kind: 'max-pool', name: 'three', size: 2, stride: 2 },
      { kind: 'dropout', name: 'four', rate: 0.5 },
    ]) {
      tryAll(layer, (changed) => ({ ...NETWORK, layers: [changed, ...LAYERS] }));
    }
    expect(texts.length).toBeGreaterThan(200);
    const foreign = texts.filter((text) =>
      /expected|received|Invalid|Too (small|big)|Unrec|not allowed/.test(text),
    );
    expect(foreign).toEqual([]);
  });

  it('keeps all that is said of a layer in its text', () => {
    const options = {
      ...{ kind: 'convolution', kernelSize: 2, padding: 'valid', bias: true, frozen: ['weight'] },
      initial: { weight: { kind: 'dirac' }, bias: { kind: 'values', values: [1, 2, 3, 4] } },
    };
    const model = networkFrom(withLayer(0, options), 'own.json');
    const again = networkFromText(networkText(model), 'its text');
    expect(again).toEqual(model);
    expect(model.layers[0]).toMatchObject({
      ...{ kernelSize: 2, padding: 'valid', outputShape: { height: 19, width: 12, channels: 4 } },
      weight: { frozen: true, initial: { kind: 'dirac' } },
      bias: { initial: { values: [1, 2, 3, 4] } },
    });
    for (const network of Object.values({ ...MODERN_LAYERS, ...CONVOLUTION_KINDS })) {
      expect(networkFromText(networkText(network), 'its text')).toEqual(network);
    }
  });

  it('is never anything but a network or E_MODEL, whatever is read', () => {
    const text = networkText(networkFrom(NETWORK, 'own'));
    const tokens = text.split(/(?<=[",:{}[\]])/);
    const place = fc.nat(tokens.length - 1);
    fc.assert(
      fc.property(fc.array(fc.tuple(place, place), { minLength: 1, maxLength: 4 }), (moves) => {
        const changed = [...tokens];
        for (const [from, to] of moves) changed[to] = tokens[from]!;
        try {
          const model = networkFromText(changed.join(''), 'of a test');
          expect(model.layers.every(({ input }, index) => input < index)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(LockstepError);
          expect(error).toMatchObject({ code: 'E_MODEL' });
        }
      }),
      { numRuns: 1000, seed: 11 },
    );
  });
});

describe('the limits of a network', () => {
  it('hold for what a program describes, which no checkpoint could keep otherwise', () => {
    const { description } = networkFrom(largeNetwork(0.95), 'large');
    expect(networkFromText(networkText({ description }), 'large').description).toEqual(description);
    for (const share of [1.1, 10]) {
      const { message } = thrownBy('E_MODEL', () => networkFrom(largeNetwork(share), 'large'));
      expect(message).toMatch(/characters as JSON are more than 2097152; give fewer initial values/);
    }
  });

  const chain = (count: number, layer: (index: number) => LayerEntry): NetworkEntry => ({
    ...NETWORK,
    layers: Array.from({ length: count }, (_, index) => layer(index)),
  });
  const convolution =
    (channels: number) =>
    (index: number): LayerEntry => ({
      kind: 'convolution',
      name: `c${index}`,
      channels,
    });

  it.each<[string, unknown, RegExp]>([
    [
      'layers',
      chain(NETWORK_LIMITS.layers + 1, (index) => ({ kind: 'relu', name: `r${index}` })),
      /layers are more than 5000/,
    ],
    ['channels', chain(1, convolution(20_000)), /channels: 20000 must be at most/],
    ['parameters', chain(3, convolution(16_000)), /parameters up to layer c1: .* is more than 40000000/],
    [
      'an image',
      { ...NETWORK, inputShape: { height: 4096, width: 4096, channels: 3 } },
      /elements of an image/,
    ],
    [
      'activations',
      { ...chain(80, convolution(64)), inputShape: { height: 1024, width: 1024, channels: 1 } },
      /activations up to layer c4/,
    ],
    [
      'multiplications',
      { ...chain(9, convolution(512)), inputShape: { height: 700, width: 700, channels: 1 } },
      /up to layer/,
    ],
  ])('bound its %s', (_, value, message) => {
    expect(refusalOf(value)).toMatch(message);
  });

  it('bound its text before it is parsed', () => {
    const text = ' '.repeat(NETWORK_LIMITS.textLength + 1);
    expect(thrownBy('E_MODEL', () => networkFromText(text, 'own.json')).message).toMatch(
      /are more than 2097152/,
    );
    expect(thrownBy('E_MODEL', () => networkFromText('{"layers', 'own.json')).message).toMatch(
      /must be JSON/,
    );
  });

  it('let a message carry the largest: ResNet-1202 is far from it', () => {
    expect(LONGEST_NETWORK).toBe(NETWORK_LIMITS.textLength);
    expect(MOST_CHANNELS).toBe(NETWORK_LIMITS.imageChannels);
    expect(networkText(buildModel('resnet1202')).length).toBeLessThan(LONGEST_NETWORK / 2);
  });
});

describe('a network file', () => {
  const { name: _name, classNames: _classNames, ...essence } = NETWORK;
  const file = (content: object): string => JSON.stringify(content);

  it('needs no name, and may number its classes, which take the names of the data', () => {
    const { model, hasClassNames } = networkFromFile(file({ ...essence, classCount: 5 }), 'nets/my own.json');
    expect(model).toMatchObject({ name: 'my-own', classCount: 5 });
    expect(hasClassNames).toBe(false);
    const named = withClassNames(model, CLASSES);
    expect(named.classNames).toEqual(CLASSES);
    expect(named.layout).toEqual(model.layout);
  });

  it('may be the config.json of a run', () => {
    const config = { epochs: 3, versions: {}, network: NETWORK };
    const { model, hasClassNames } = networkFromFile(file(config), 'config.json');
    expect(model).toEqual(networkFrom(NETWORK, 'own'));
    expect(hasClassNames).toBe(true);
  });

  it.each<[string, object, RegExp]>([
    ['both classCount and classNames', { ...NETWORK, classCount: 5 }, /leave one of them out/],
    ['one class', { ...essence, classCount: 1 }, /classCount must be an integer from 2 to 256/],
    ['the name of a preset', { ...NETWORK, name: 'resnet20' }, /is that of a preset/],
  ])('is refused for %s', (_, content, message) => {
    expect(thrownBy('E_MODEL', () => networkFromFile(file(content), 'own.json')).message).toMatch(message);
  });

  it.each(['resnet8', 'notebook'])('can begin with what `lockstep model %s --json` prints', (name) => {
    const preset = buildModel(name, 0.1);
    const { model } = networkFromFile(networkFileText(preset), `${name}.json`);
    expect(model.name).toBe(`${name}.json`);
    expect({ ...model.description, name }).toEqual(preset.description);
  });
});

describe('the summary of a network', () => {
  it('counts as the layers say', () => {
    const summary = summarise(networkFrom(NETWORK, 'own'));
    expect(summary.layers[5]).toMatchObject({ name: 'sum', reads: ['norm2', 'short'], parameters: 0 });
    expect(summary.layers[0]).toMatchObject({
      reads: ['images'],
      parameters: 36,
      multiplications: 20 * 13 * 36,
    });
    expect(summary.parameters).toBe(299);
    expect(summary.multiplications).toBe(20 * 13 * 36 + 10 * 7 * 216 + 30);
    expect(summary.activations).toBe(2 * 20 * 13 * 4 + 4 * 10 * 7 * 6 + 6 + 5);
    expect(trainingMemory(summary, 3)).toEqual({
      parameters: 4 * 299,
      gradients: 4 * 299,
      activations: 4 * 3 * summary.activations,
      total: 8 * 299 + 12 * summary.activations,
    });
  });

  it('agrees with the published count of ResNet-20: 40.6 million multiplications', () => {
    expect(summarise(buildModel('resnet20')).multiplications).toBe(40_551_040);
  });
});
