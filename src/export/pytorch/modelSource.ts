/** Writes model.py: the network as PyTorch code for people to read, and a function that loads the weights. */

import { IMAGES } from '../../model/index.js';
import type { ExportedModel } from '../exportedModel.js';
import { formsOf } from '../forms.js';
import { findBlocks, findSequences } from './blocks.js';
import type { Block } from './blocks.js';
import { blockClasses, classSource, stepOf } from './classes.js';
import type { Outline } from './classes.js';
import { FLOW_INPUT, flowLines } from './flow.js';
import type { FlowStep } from './flow.js';
import { moduleSource } from './layerSource.js';
import { modulePaths } from './names.js';

const SHORTCUT = `class Shortcut(nn.Module):
    """Every stride-th pixel, and zeros for the channels that are new."""

    def __init__(self, stride, inputs, channels):
        super().__init__()
        self.stride = stride
        self.new_channels = channels - inputs

    def forward(self, x):
        x = x[:, :, :: self.stride, :: self.stride]
        return F.pad(x, (0, 0, 0, 0, 0, self.new_channels))`;

export function pytorchSource(exported: ExportedModel): string {
  const { model, weightsSha256 } = exported;
  const { layers, name } = model;
  const outline: Outline = { layers, forms: formsOf(layers), paths: modulePaths(layers) };
  const blocks = findBlocks(layers, outline.paths);
  const classes = blockClasses(outline, blocks);
  const calls = new Map(classes.flatMap((each) => [...each.calls]));
  const sequences = findSequences(layers, outline.paths, blocks);
  const parts = [
    header(name, weightsSha256, sequences.length > 0),
    constants(exported),
    ...(layers.some(({ kind }) => kind === 'shortcut') ? [SHORTCUT] : []),
    ...classes.map(({ source }) => source),
    networkClass(outline, { blocks, sequences, calls }),
    functions(exported),
  ];
  return `${parts.join('\n\n\n')}\n`;
}

function header(name: string, weightsSha256: string, hasSequences: boolean): string {
  return [
    `"""${name}, trained with Lockstep; the weights are in model.safetensors.`,
    '',
    `Weights of Lockstep: sha256 ${weightsSha256}.`,
    'Needs torch and safetensors. Use: network = load(); logits = network(prepare(pixels))',
    '"""',
    '',
    ...(hasSequences ? ['from collections import OrderedDict'] : []),
    'from pathlib import Path',
    '',
    'import torch',
    'import torch.nn.functional as F',
    'from safetensors.torch import load_file',
    'from torch import nn',
  ].join('\n');
}

function constants({ model, normalisation }: ExportedModel): string {
  const { height, width, channels } = model.inputShape;
  return [
    `CLASSES = [${model.classNames.map((name) => JSON.stringify(name)).join(', ')}]`,
    `IMAGE_SHAPE = (${channels}, ${height}, ${width})  # channels, height, width`,
    '# Of the training images, by channel, for pixels from 0 to 1.',
    `MEAN = [${normalisation.mean.join(', ')}]`,
    `STANDARD_DEVIATION = [${normalisation.standardDeviation.join(', ')}]`,
  ].join('\n');
}

function functions({ model: { inputShape } }: ExportedModel): string {
  const { height, width, channels } = inputShape;
  return `def prepare(pixels):
    """From pixels, (N, ${height}, ${width}, ${channels}) bytes, to what the network takes, (N, ${channels}, ${height}, ${width}) floats."""
    images = torch.as_tensor(pixels).permute(0, 3, 1, 2).float() / 255
    mean = torch.tensor(MEAN).view(1, -1, 1, 1)
    return (images - mean) / torch.tensor(STANDARD_DEVIATION).view(1, -1, 1, 1)


def load(file=Path(__file__).with_name("model.safetensors")):
    """The network with its trained weights, ready for use."""
    network = Network()
    network.load_state_dict(load_file(file), strict=True)
    return network.eval()`;
}

interface Parts {
  readonly blocks: readonly Block[];
  readonly sequences: readonly (readonly Block[])[];
  /** What makes each block. */
  readonly calls: ReadonlyMap<Block, string>;
}

function networkClass(outline: Outline, { blocks, sequences, calls }: Parts): string {
  const { layers, forms, paths } = outline;
  const modules = new ModuleLines();
  const steps: FlowStep[] = [];
  /** By layer: the step that makes its output. */
  const stepByLayer = new Map<number, number>([[IMAGES, FLOW_INPUT]]);
  const placeOf = (input: number): number => stepByLayer.get(input)!;
  const sequenceAt = new Map(sequences.map((sequence) => [sequence[0]!.first, sequence]));
  const blockAt = new Map(blocks.map((block) => [block.first, block]));
  for (let index = 0; index < layers.length;) {
    const sequence = sequenceAt.get(index);
    const block = blockAt.get(index);
    if (block) {
      const path = sequence ? block.path.slice(0, -1) : block.path;
      if (sequence) modules.addSequence(path, sequence, calls);
      else modules.add(path, calls.get(block)!);
      steps.push({ inputs: [placeOf(block.input)], render: ([x]) => `${self(path)}(${x})` });
      index = (sequence?.at(-1) ?? block).end;
    } else {
      const [path, layer] = [paths[index]!, layers[index]!];
      const source = moduleSource(layer, forms.outputs[index]!, ({ value }) => String(value));
      if (source !== undefined) modules.add(path, source);
      steps.push(stepOf(outline, index, { module: self(path), placeOf }));
      index++;
    }
    stepByLayer.set(index - 1, steps.length - 1);
  }
  if (outline.forms.outputs.at(-1) === 'map') {
    steps.push({ inputs: [steps.length - 1], render: ([x]) => `torch.flatten(${x}, 1)` });
  }
  const about = 'From prepared images to logits, one a class.';
  return classSource('Network', about, [], modules.lines, flowLines(steps));
}

function self(path: readonly string[]): string {
  return `self.${path.join('.')}`;
}

/** The lines that make the modules of the network; those in between are made when they are first needed. */
class ModuleLines {
  readonly lines: string[] = [];
  private readonly made = new Set<string>();

  add(path: readonly string[], source: string): void {
    for (let depth = 1; depth < path.length; depth++) {
      const parent = path.slice(0, depth);
      if (!this.made.has(parent.join('.'))) this.push(parent, 'nn.Module()');
    }
    this.push(path, source);
  }

  addSequence(path: readonly string[], blocks: readonly Block[], calls: ReadonlyMap<Block, string>): void {
    const entries = blocks.map((block) => `    ${block.path.at(-1)!}=${calls.get(block)!},`);
    this.add(path, ['nn.Sequential(OrderedDict(', ...entries, '))'].join('\n        '));
  }

  private push(path: readonly string[], source: string): void {
    this.made.add(path.join('.'));
    this.lines.push(`${self(path)} = ${source}`);
  }
}
