/** The files of an export, but for its model card. */

import type { ExportedFile, ExportedModel, ExportFormat } from './exportedModel.js';
import { onnxFiles } from './onnx/index.js';
import { pytorchFiles } from './pytorch/index.js';
import { tfjsFiles } from './tfjs/index.js';

const WRITERS: Readonly<Record<ExportFormat, (exported: ExportedModel) => readonly ExportedFile[]>> = {
  pytorch: pytorchFiles,
  onnx: onnxFiles,
  tfjs: tfjsFiles,
};

export function exportFiles(exported: ExportedModel, format: ExportFormat): readonly ExportedFile[] {
  return WRITERS[format](exported);
}
