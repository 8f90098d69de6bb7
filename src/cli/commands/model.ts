/** `lockstep model`: the layers of a network, and what they cost. Computes nothing. */

import type { Command } from 'commander';
import { RECIPE_OPTIONS } from '../../coordinator/index.js';
import { FIXED_DATASETS, formatOf } from '../../data/index.js';
import { oneOf, variant } from '../../foundation/options/definition.js';
import type { ValuesOf } from '../../foundation/options/definition.js';
import { commandLine } from '../../foundation/commandLine.js';
import {
  isPresetName,
  networkFileText,
  PRESETS_TEXT,
  shapeText,
  summarise,
  trainingMemory,
} from '../../model/index.js';
import type { Model, NetworkSummary } from '../../model/index.js';
import { jsonSetting, requestNetwork, SESSION_SETTINGS, valueParser } from '../../session/index.js';
import { entriesOf } from '../options/optionTable.js';
import { declareOptions, ofWidth, readNetwork } from '../options/trainingOptions.js';
import { print } from '../process/terminal.js';

const MODEL_SETTINGS = {
  dataset: variant(oneOf({ group: 'Data', of: FIXED_DATASETS, default: 'cifar10', help: '' }), {
    default: undefined,
    help: 'make a named network for the images and classes of this data set',
  }),
  width: SESSION_SETTINGS.width,
  dropout: variant(RECIPE_OPTIONS.dropout, {
    default: 0,
    help: 'dropout before the dense layer of a named network',
  }),
  microBatch: variant(RECIPE_OPTIONS.microBatch, {
    default: 32,
    help: 'images to count the memory for',
  }),
  json: jsonSetting('print the description, to begin a network file with'),
};

type RawOptions = ValuesOf<typeof MODEL_SETTINGS>;

export function addModelCommand(program: Command): void {
  const command = program
    .command('model')
    .description('show the layers of a network: shapes, parameters, multiplications, memory')
    .argument(
      '<name|file>',
      `${PRESETS_TEXT}; or a JSON file (docs/networks.md)`,
      valueParser('model', RECIPE_OPTIONS.model.kind, 'resnet20'),
    )
    .addHelpText('after', examples);
  declareOptions(command, entriesOf(MODEL_SETTINGS));
  command.action((given: string) => {
    const options = command.opts<RawOptions>();
    const model = networkOf(given, options);
    print(options.json ? networkFileText(model) : textOf(model, options.microBatch));
  });
}

/** A named network takes the data set's shape and classes; one in a file is checked against them. */
function networkOf(given: string, { dataset, dropout, width }: RawOptions): Model {
  const name = typeof width === 'number' ? ofWidth(given, width, given) : given;
  const network = requestNetwork(readNetwork(name), dropout);
  return dataset === undefined ? network.model : network.forData(dataset, formatOf(dataset));
}

function textOf(model: Model, microBatch: number): string {
  const summary = summarise(model);
  const head = `${model.name}: images of ${shapeText(model.inputShape)}, ${model.classCount} classes`;
  return [head, '', ...table(summary), '', ...totals(summary, microBatch), ...hint(model)].join('\n');
}

function table({ layers }: NetworkSummary): readonly string[] {
  const rows = layers.map(({ name, kind, reads, outputShape, parameters, multiplications }) => [
    name,
    kind,
    reads.join(' + '),
    shapeText(outputShape),
    grouped(parameters),
    grouped(multiplications),
  ]);
  const head = ['layer', 'kind', 'reads', 'output', 'parameters', 'multiplications'];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  );
  return [head, ...rows].map((row) =>
    row
      .map((cell, column) => (column < 4 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
}

function totals(summary: NetworkSummary, microBatch: number): readonly string[] {
  const memory = trainingMemory(summary, microBatch);
  return [
    `layers           ${grouped(summary.layers.length)}`,
    `parameters       ${grouped(summary.parameters)}, and ${grouped(summary.statistics)} running statistics`,
    `multiplications  ${grouped(summary.multiplications)} an image, forward, in convolutions and dense layers; a training step takes about three times as many`,
    `memory           ${megabytes(memory.total)} for a micro-batch of ${microBatch}: parameters ${megabytes(memory.parameters)}, gradient ${megabytes(memory.gradients)}, activations ${megabytes(memory.activations)}`,
    '                 (float32; activations: the output of every layer for every image; an engine may need more or less)',
  ];
}

function hint({ name }: Model): readonly string[] {
  if (!isPresetName(name)) return [];
  return ['', `a network of your own: ${commandLine('model', name, { json: true })} > own.json`];
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}

const examples = (): string => `
Examples:
  ${commandLine('model')} resnet20
  ${commandLine('model')} resnet20 --json > own.json
  ${commandLine('model')} own.json
  ${commandLine('train')} --model own.json`;
