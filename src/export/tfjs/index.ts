/** tfjs: model.json with the graph, and files with its weights. Loaded by tf.loadGraphModel. */

import { littleEndianBytes } from '../../foundation/littleEndian.js';
import { tensorView } from '../../model/index.js';
import type { ModelState } from '../../model/index.js';
import { LOCKSTEP_VERSION } from '../../protocol/index.js';
import type { ExportedFile, ExportedModel } from '../exportedModel.js';
import { preparationText } from '../preparation.js';
import { shapeOf } from './attributes.js';
import { INPUT, OUTPUT, tfjsGraph } from './graph.js';
import type { GraphWeight } from './graph.js';

/** What the converter of tfjs writes: browsers cache files of this size. */
const SHARD_BYTES = 4 << 20;

export function tfjsFiles(exported: ExportedModel): readonly ExportedFile[] {
  const { model, state } = exported;
  const { nodes, weights } = tfjsGraph(model);
  const shards = shardsOf(Buffer.concat(weights.map((weight) => bytesOf(weight, state))));
  const paths = shards.map((_, index) => `group1-shard${index + 1}of${shards.length}.bin`);
  const { height, width, channels } = model.inputShape;
  const json = {
    format: 'graph-model',
    generatedBy: `lockstep ${LOCKSTEP_VERSION}`,
    convertedBy: null,
    signature: {
      inputs: { [INPUT]: tensorInfo(INPUT, [-1, height, width, channels]) },
      outputs: { [OUTPUT]: tensorInfo(OUTPUT, [-1, model.classCount]) },
    },
    userDefinedMetadata: metadataOf(exported),
    modelTopology: { node: nodes, library: {}, versions: { producer: 1 } },
    weightsManifest: [{ paths, weights: weights.map(manifestEntry) }],
  };
  return [
    { name: 'model.json', content: `${JSON.stringify(json)}\n` },
    ...shards.map((content, index) => ({ name: paths[index]!, content })),
  ];
}

function metadataOf(exported: ExportedModel): Readonly<Record<string, unknown>> {
  const { model, normalisation, weightsSha256 } = exported;
  return {
    preparation: preparationText(exported, ['row', 'column', 'channel']),
    mean: normalisation.mean,
    standardDeviation: normalisation.standardDeviation,
    classes: model.classNames,
    lockstepWeightsSha256: weightsSha256,
  };
}

function tensorInfo(name: string, shape: readonly number[]): unknown {
  return { name: `${name}:0`, dtype: 'DT_FLOAT', tensorShape: shapeOf(shape) };
}

function manifestEntry({ name, shape, values }: GraphWeight): unknown {
  return { name, shape, dtype: values.kind === 'integers' ? 'int32' : 'float32' };
}

function bytesOf({ values }: GraphWeight, { parameters, statistics }: ModelState): Uint8Array {
  switch (values.kind) {
    case 'tensor':
      return littleEndianBytes(tensorView(values.isStatistic ? statistics : parameters, values.spec));
    case 'floats':
      return littleEndianBytes(Float32Array.from(values.values));
    case 'integers': {
      const bytes = Buffer.alloc(values.values.length * Int32Array.BYTES_PER_ELEMENT);
      values.values.forEach((value, place) =>
        bytes.writeInt32LE(value, place * Int32Array.BYTES_PER_ELEMENT),
      );
      return bytes;
    }
  }
}

function shardsOf(bytes: Uint8Array): readonly Uint8Array[] {
  const count = Math.ceil(bytes.byteLength / SHARD_BYTES);
  return Array.from({ length: count }, (_, index) =>
    bytes.subarray(index * SHARD_BYTES, (index + 1) * SHARD_BYTES),
  );
}
