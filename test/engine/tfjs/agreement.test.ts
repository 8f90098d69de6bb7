import { describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/engine/engine.js';
import { engineFactory } from '../../../src/engine/registry.js';
import { relativeError } from '../../support/numbers.js';
import { tensorDistances } from '../../support/tensorDistances.js';
import { TinyModelBuilder } from '../../support/tinyModels.js';
import { tinyBatch, tinyState } from '../engineContract.js';

/** A stem and two residual blocks on 16x16 images, with the channel counts of ResNet-8. */
function smallResNet(): ReturnType<TinyModelBuilder['build']> {
  const builder = new TinyModelBuilder({ height: 16, width: 16, channels: 3 });
  builder.convolution(16);
  builder.batchNormalisation();
  let top = builder.relu();
  for (const [channels, stride] of [
    [16, 1],
    [32, 2],
  ] as const) {
    builder.convolution(channels, stride, top);
    builder.batchNormalisation();
    builder.relu();
    builder.convolution(channels);
    const branch = builder.batchNormalisation();
    top = builder.relu(builder.add(branch, builder.shortcut(channels, stride, top)));
  }
  builder.globalAveragePool();
  builder.dropout(0.2);
  builder.dense(10);
  return builder.build();
}

describe('engines of two backends in one thread', () => {
  it('take turns, and agree', async () => {
    const model = smallResNet();
    const engines: Engine[] = await Promise.all([
      engineFactory('wasm').load(model),
      engineFactory('cpu').load(model),
    ]);
    expect(engines.map((engine) => engine.description.name)).toEqual(['wasm', 'cpu']);
    const state = tinyState(model);
    const batch = tinyBatch(model, 4);
    const compute = async (engine: Engine): Promise<Awaited<ReturnType<Engine['gradient']>>> =>
      engine.gradient(state, batch, [1, 2]);
    const [wasm, cpu, wasmAgain] = await Promise.all([
      compute(engines[0]!),
      compute(engines[1]!),
      compute(engines[0]!),
    ]);
    expect(wasmAgain).toEqual(wasm);
    expect(relativeError([wasm.lossSum], [cpu.lossSum])).toBeLessThan(1e-5);
    expect(relativeError(wasm.batchStatistics, cpu.batchStatistics)).toBeLessThan(1e-5);
    const distances = tensorDistances(model, wasm.gradientSum, cpu.gradientSum);
    for (const [name, distance] of distances) expect(distance, name).toBeLessThan(1e-4);
    engines.forEach((engine) => engine.dispose());
  });
});
