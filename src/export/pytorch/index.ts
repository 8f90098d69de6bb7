/** PyTorch: model.safetensors in its names and layouts, and model.py, which loads it. */

import { encodeSafetensors } from '../../coordinator/index.js';
import type { ExportedFile, ExportedModel } from '../exportedModel.js';
import { pytorchSource } from './modelSource.js';
import { pytorchTensors, pytorchValues } from './names.js';

export function pytorchFiles(exported: ExportedModel): readonly ExportedFile[] {
  const { model, state, weightsSha256 } = exported;
  const tensors = pytorchTensors(model).map((tensor) => ({
    ...{ name: tensor.name, shape: tensor.shape },
    values: pytorchValues(tensor, state),
  }));
  const metadata = { format: 'pt', lockstepWeightsSha256: weightsSha256 };
  return [
    { name: 'model.safetensors', content: encodeSafetensors({ metadata, tensors }) },
    { name: 'model.py', content: pytorchSource(exported) },
  ];
}
