/** ONNX: one file, which says in its metadata how images are prepared. */

import { LOCKSTEP_VERSION } from '../../protocol/index.js';
import type { ExportedFile, ExportedModel } from '../exportedModel.js';
import { preparationText } from '../preparation.js';
import { INPUT, onnxGraph, OUTPUT } from './graph.js';
import { encodeOnnx } from './messages.js';

export function onnxFiles(exported: ExportedModel): readonly ExportedFile[] {
  const { model, state, normalisation, weightsSha256 } = exported;
  const { height, width, channels } = model.inputShape;
  const content = encodeOnnx({
    producer: 'lockstep',
    producerVersion: LOCKSTEP_VERSION,
    name: model.name,
    ...onnxGraph(model, state),
    input: { name: INPUT, shape: ['batch', channels, height, width] },
    output: { name: OUTPUT, shape: ['batch', model.classCount] },
    metadata: {
      preparation: preparationText(exported, ['channel', 'row', 'column']),
      mean: JSON.stringify(normalisation.mean),
      standard_deviation: JSON.stringify(normalisation.standardDeviation),
      classes: JSON.stringify(model.classNames),
      lockstep_weights_sha256: weightsSha256,
    },
  });
  return [{ name: 'model.onnx', content }];
}
