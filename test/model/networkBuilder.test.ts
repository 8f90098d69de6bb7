import { describe, expect, it } from 'vitest';
import { layerEntrySchema } from '../../src/model/layerKinds.js';
import { NetworkBuilder, networkFrom } from '../../src/model/index.js';
import type { LayerEntry } from '../../src/model/index.js';

const SHAPE = { height: 12, width: 12, channels: 3 };

/** Every kind of layer, with every option that it has. */
function everything(): readonly LayerEntry[] {
  const builder = new NetworkBuilder();
  let top = builder.convolution('whitening', 'images', 6, 1, {
    kernelSize: 2,
    padding: 'valid',
    bias: true,
    frozen: ['weight'],
    initial: { weight: { kind: 'dirac' }, bias: { kind: 'values', values: [1, 2, 3, 4, 5, 6] } },
  });
  top = builder.gelu('gelu', top);
  top = builder.maxPool('max', top, 3, 2);
  top = builder.batchNormalisation('norm', top, {
    epsilon: 1e-3,
    momentum: 0.4,
    frozen: ['scale'],
    initial: { shift: { kind: 'zero' } },
  });
  top = builder.silu('silu', top);
  top = builder.averagePool('average', top, 2);
  const convolved = builder.convolution('conv', top, 8);
  top = builder.add('sum', convolved, builder.shortcut('short', top, 8));
  top = builder.celu('celu', top, 0.3);
  top = builder.relu('relu', top);
  top = builder.dropout('dropout', builder.globalAveragePool('pool', top), 0.1);
  top = builder.dense('dense', top, 2, {
    bias: false,
    frozen: ['weight'],
    initial: { weight: { kind: 'kaiming' } },
  });
  builder.scale('scaled', top, 1 / 9);
  return builder.layers;
}

describe('the builder of networks', () => {
  it.each(layerEntrySchema.options.map(({ shape }) => [shape.kind.value, Object.keys(shape)] as const))(
    'writes %s with all that it may have',
    (kind, options) => {
      const written = everything().filter((layer) => layer.kind === kind);
      expect(Object.keys(Object.assign({}, ...written) as object).sort()).toEqual([...options].sort());
    },
  );

  it('writes what a description says', () => {
    const layers = everything();
    const model = networkFrom(
      { name: 'everything', inputShape: SHAPE, classNames: ['a', 'b'], layers },
      'of a test',
    );
    expect(model.description.layers).toEqual(layers);
    expect(model.layers.map(({ outputShape: { height, channels } }) => [height, channels])).toEqual([
      ...[
        [11, 6],
        [11, 6],
        [5, 6],
        [5, 6],
        [5, 6],
        [2, 6],
      ],
      ...[
        [2, 8],
        [2, 8],
        [2, 8],
        [2, 8],
        [2, 8],
        [1, 8],
        [1, 8],
        [1, 2],
        [1, 2],
      ],
    ]);
  });

  it('writes 3x3, padded, without a bias unless it is told otherwise', () => {
    const builder = new NetworkBuilder();
    builder.maxPool('pool', builder.celu('celu', builder.convolution('conv', 'images', 4, 2)), 2);
    expect(builder.layers).toEqual([
      { kind: 'convolution', name: 'conv', input: 'images', channels: 4, kernelSize: 3, stride: 2 },
      { kind: 'celu', name: 'celu', input: 'conv', alpha: 1 },
      { kind: 'max-pool', name: 'pool', input: 'celu', size: 2, stride: 2 },
    ]);
  });
});
