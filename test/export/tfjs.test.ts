/** What is exported for tfjs, loaded and run by tfjs itself. */

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { loadGraphModelSync } from '@tensorflow/tfjs-converter';
import { expect, it } from 'vitest';
import { exportFiles } from '../../src/export/index.js';
import type { ExportedFile } from '../../src/export/index.js';
import { buildModel } from '../../src/model/index.js';
import { expectedLogits, exportedModel, TINY_EXPORTS } from '../support/exportedNetworks.js';
import { largestRelativeError } from '../support/numbers.js';

interface ModelJson {
  readonly modelTopology: object;
  readonly signature: object;
  readonly weightsManifest: readonly {
    readonly paths: readonly string[];
    readonly weights: tf.io.WeightsManifestEntry[];
  }[];
}

/** As tfjs's own loader for HTTP reads the files. */
function handlerFor(files: readonly ExportedFile[]): tf.io.IOHandlerSync {
  const byName = new Map(files.map(({ name, content }) => [name, content]));
  const json = JSON.parse(byName.get('model.json') as string) as ModelJson;
  const [{ paths, weights }] = json.weightsManifest as [ModelJson['weightsManifest'][number]];
  const bytes = Buffer.concat(paths.map((path) => byName.get(path) as Uint8Array));
  return {
    load: () => ({
      modelTopology: json.modelTopology,
      signature: json.signature,
      weightSpecs: weights,
      weightData: new Uint8Array(bytes).buffer,
    }),
  };
}

const NETWORKS = { ...TINY_EXPORTS, 'resnet8 of CIFAR-10': buildModel('resnet8') };

it.each(Object.entries(NETWORKS))('%s: tfjs computes the logits of the definition', async (_, model) => {
  await tf.setBackend('cpu');
  const exported = exportedModel(model);
  const { images, logits } = expectedLogits(exported, 2);
  const loaded = loadGraphModelSync(handlerFor(exportFiles(exported, 'tfjs')));
  const { height, width, channels } = model.inputShape;
  const output = loaded.predict(tf.tensor4d(images, [2, height, width, channels])) as tf.Tensor;
  expect(output.shape).toEqual([2, model.classCount]);
  expect(largestRelativeError(await output.data(), logits)).toBeLessThan(1e-5);
  loaded.dispose();
});

it('has weights in files of 4 MiB, as the converter of tfjs writes them', () => {
  const files = exportFiles(exportedModel(buildModel('wrn-16-4')), 'tfjs');
  expect(files.map(({ name }) => name)).toEqual([
    'model.json',
    ...[1, 2, 3].map((shard) => `group1-shard${shard}of3.bin`),
  ]);
  expect(files[1]!.content.length).toBe(4 << 20);
});
