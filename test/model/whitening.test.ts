import { expect, it } from 'vitest';
import { networkFrom } from '../../src/model/index.js';
import type { Model } from '../../src/model/index.js';

function whitened(side: number, channels: number, kernelSize: number): Model {
  const layers = [
    {
      ...{ kind: 'convolution', name: 'first', channels: 2, kernelSize },
      initial: { weight: { kind: 'whitening', epsilon: 0.001 } },
    },
    { kind: 'global-average-pool', name: 'pool' },
    { kind: 'dense', name: 'logits', channels: 2 },
  ];
  const inputShape = { height: side, width: 4, channels };
  return networkFrom({ name: 'own', inputShape, classNames: ['a', 'b'], layers }, 'own.json');
}

it('whitening needs images that hold a patch', () => {
  expect(whitened(2, 1, 2).layers[0]).toMatchObject({ name: 'first' });
  expect(() => whitened(1, 1, 2)).toThrow(
    'initial weight cannot be whitening: images of 1x4x1 hold no patch of 2x2; use a smaller kernelSize',
  );
});

it('whitening is for small patches', () => {
  expect(whitened(4, 64, 2).layers[0]).toMatchObject({ name: 'first' });
  expect(() => whitened(4, 65, 2)).toThrow('a patch has 260 elements');
});
