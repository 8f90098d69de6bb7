/** The model card: what was trained on what, how good it is, and how to use it and to train it again. */

import { count } from '../foundation/count.js';
import { LOCKSTEP_VERSION } from '../protocol/index.js';
import type { ExportedModel, ExportFormat } from './exportedModel.js';
import { code, fenced } from './markdown.js';
import type { ModelFacts, TestFacts } from './modelFacts.js';
import { picturesText, preparationText } from './preparation.js';
import { trainingAgain } from './trainingAgain.js';

const AXES: Readonly<Record<ExportFormat, readonly string[]>> = {
  pytorch: ['channel', 'row', 'column'],
  onnx: ['channel', 'row', 'column'],
  tfjs: ['row', 'column', 'channel'],
};

export function modelCard(exported: ExportedModel, format: ExportFormat, facts: ModelFacts): string {
  const { model, normalisation } = exported;
  const parts = [
    `# ${model.name}`,
    `An image classifier, trained with Lockstep ${LOCKSTEP_VERSION} and exported as ${format}.`,
    factsTable(exported, facts),
    '## Use',
    usage(exported, format),
    '## Preparation',
    `The network takes ${preparationText(exported, AXES[format])}.`,
    ...picturesText(facts.recipe),
    fenced('', [
      `mean               = ${normalisation.mean.join(', ')}`,
      `standard_deviation = ${normalisation.standardDeviation.join(', ')}`,
    ]),
    ...(facts.recipe.evalStatistics === 'batch' ? [BATCH_NOTE] : []),
    '## Classes',
    model.classNames.map((name, label) => `${label}. ${code(name)}`).join('\n'),
    '## Training it again',
    ...trainingAgain(facts),
  ];
  return `${parts.join('\n\n')}\n`;
}

const BATCH_NOTE =
  'In training this network was evaluated by the statistics of each batch. The export uses the running statistics, so its answers differ.';

function factsTable({ model, weightsSha256 }: ExportedModel, facts: ModelFacts): string {
  const { epoch, samples, validationAccuracy, test } = facts;
  const rows: readonly (readonly [string, string])[] = [
    [
      'network',
      `${model.name}, ${count(model.layout.parameterCount, 'parameter')}, ${count(model.layout.statisticCount, 'running statistic')}`,
    ],
    ['data', `${dataText(facts)}, ${model.classCount} classes`],
    ...(samples ? samplesRows(samples) : []),
    ['epochs', String(epoch)],
    ['validation accuracy', validationAccuracy === undefined ? 'not measured' : percent(validationAccuracy)],
    ['test accuracy', test === undefined ? 'not measured' : testText(test)],
    ['weights', `sha256 ${weightsSha256}, in Lockstep's own order`],
    ['numerics class', facts.numericsClasses.map(code).join(', ')],
  ];
  return ['| | |', '| --- | --- |', ...rows.map(([name, value]) => `| ${name} | ${value} |`)].join('\n');
}

function dataText({ recipe: { dataset }, dataFolder }: ModelFacts): string {
  return dataFolder === undefined ? code(dataset) : `${code(dataFolder)} (${code(dataset)})`;
}

function samplesRows(samples: NonNullable<ModelFacts['samples']>): readonly (readonly [string, string])[] {
  return [
    ['training images', `sha256 ${samples.training}`],
    ['validation images', `sha256 ${samples.validation}`],
  ];
}

function testText({ accuracy, samples, tta }: TestFacts): string {
  const of = samples === undefined ? '' : ` of ${count(samples, 'image')}`;
  return `${percent(accuracy)}${of}${tta === 'none' ? '' : `, the mean of several views (${tta})`}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

function usage({ model }: ExportedModel, format: ExportFormat): string {
  const { height, width, channels } = model.inputShape;
  switch (format) {
    case 'pytorch':
      return fenced('python', [
        'from model import CLASSES, load, prepare',
        '',
        'network = load()',
        `logits = network(prepare(pixels))  # pixels: (N, ${height}, ${width}, ${channels}), bytes`,
        'print([CLASSES[label] for label in logits.argmax(1)])',
      ]);
    case 'onnx':
      return fenced('python', [
        'import onnxruntime',
        '',
        'session = onnxruntime.InferenceSession("model.onnx")',
        `logits = session.run(["logits"], {"images": images})[0]  # images: (N, ${channels}, ${height}, ${width}), float32, prepared`,
      ]);
    case 'tfjs':
      return fenced('js', [
        "import * as tf from '@tensorflow/tfjs';",
        '',
        "const model = await tf.loadGraphModel('model.json');",
        `const logits = model.predict(images); // images: (N, ${height}, ${width}, ${channels}), float32, prepared`,
      ]);
  }
}
