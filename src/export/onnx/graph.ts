/** A network as ONNX operators, on images of (batch, channels, height, width). */

import { IMAGES, zerosBefore } from '../../model/index.js';
import type { Layer, Model, ModelState } from '../../model/index.js';
import { formsOf, inputsOf } from '../forms.js';
import type { Form, Forms } from '../forms.js';
import { modulePaths, pytorchTensors, pytorchValues } from '../pytorch/names.js';
import type { OnnxNode, OnnxTensor } from './messages.js';

export const INPUT = 'images';
export const OUTPUT = 'logits';

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  /** Weights have the names and the layout of PyTorch. */
  readonly initializers: readonly OnnxTensor[];
}

export function onnxGraph(model: Model, state: ModelState): OnnxGraph {
  const writer = new GraphWriter(model);
  const nodes = writer.write();
  const weights = pytorchTensors(model).map((tensor) => ({
    ...{ name: tensor.name, shape: tensor.shape },
    values: pytorchValues(tensor, state),
  }));
  return { nodes, initializers: [...weights, ...writer.constants.values()] };
}

/** Of a Slice that goes to the end. */
const TO_THE_END = 2n ** 31n - 1n;

class GraphWriter {
  readonly constants = new Map<string, OnnxTensor>();
  private readonly nodes: OnnxNode[] = [];
  private readonly paths: readonly string[];
  private readonly forms: Forms;
  private readonly layers: readonly Layer[];
  /** By layer: the name of its output. */
  private readonly outputs: string[] = [];

  constructor({ layers }: Model) {
    this.layers = layers;
    this.forms = formsOf(layers);
    this.paths = modulePaths(layers).map((path) => path.join('.'));
  }

  write(): readonly OnnxNode[] {
    this.layers.forEach((layer, index) => {
      const inputs = inputsOf(layer).map((input, place) => this.shaped(input, index, place));
      this.outputs.push(this.layer(layer, index, inputs));
    });
    const last = this.outputs.at(-1)!;
    const isMap = this.forms.outputs.at(-1) === 'map';
    this.nodes.push({
      ...{ operator: isMap ? 'Flatten' : 'Identity', inputs: [last], output: OUTPUT },
      ...(isMap && { integers: { axis: 1 } }),
    });
    return this.nodes;
  }

  /** @returns the name of the output */
  private layer(layer: Layer, index: number, inputs: readonly string[]): string {
    const path = this.paths[index]!;
    const [input = ''] = inputs;
    const output = `${path}.output`;
    const push = (operator: string, more: Partial<OnnxNode> = {}): string =>
      this.push({ operator, inputs, output, ...more });
    const scalar = (value: number): string => this.constant(`constant.${value}`, [], Float32Array.of(value));
    switch (layer.kind) {
      case 'convolution': {
        const { kernelSize: size, stride } = layer;
        const [before, after] = zerosAround(layer);
        const bias = layer.bias ? [`${path}.bias`] : [];
        return push('Conv', {
          inputs: [input, `${path}.weight`, ...bias],
          integers: {
            ...{ kernel_shape: [size, size], strides: [stride, stride] },
            pads: [before, before, after, after],
          },
        });
      }
      case 'batch-normalisation': {
        const tensors = ['weight', 'bias', 'running_mean', 'running_var'].map((name) => `${path}.${name}`);
        return push('BatchNormalization', {
          inputs: [input, ...tensors],
          floats: { epsilon: layer.epsilon },
        });
      }
      case 'relu':
        return push('Relu');
      case 'gelu': {
        // As an operator it came with set 20; runtimes know this form and compute it as one.
        const scaled = this.push({
          ...{ operator: 'Mul', inputs: [input, scalar(Math.SQRT1_2)], output: `${path}.scaled` },
        });
        const erf = this.push({ operator: 'Erf', inputs: [scaled], output: `${path}.erf` });
        const sum = this.push({ operator: 'Add', inputs: [erf, scalar(1)], output: `${path}.sum` });
        const product = this.push({ operator: 'Mul', inputs: [input, sum], output: `${path}.product` });
        return push('Mul', { inputs: [product, scalar(0.5)] });
      }
      case 'silu': {
        const share = this.push({ operator: 'Sigmoid', inputs, output: `${path}.sigmoid` });
        return push('Mul', { inputs: [input, share] });
      }
      case 'celu':
        return push('Celu', { floats: { alpha: layer.alpha } });
      case 'max-pool':
      case 'average-pool': {
        const { size, stride } = layer;
        const integers = { kernel_shape: [size, size], strides: [stride, stride] };
        return push(layer.kind === 'max-pool' ? 'MaxPool' : 'AveragePool', { integers });
      }
      case 'scale':
        return push('Mul', { inputs: [input, scalar(layer.factor)] });
      case 'shortcut':
        return this.shortcut(layer, path, input);
      case 'add':
        return push('Add');
      case 'global-average-pool': {
        const mean = this.push({ operator: 'GlobalAveragePool', inputs, output: `${path}.mean` });
        return push('Flatten', { inputs: [mean], integers: { axis: 1 } });
      }
      case 'dropout':
        return input;
      case 'dense': {
        const bias = layer.bias ? [`${path}.bias`] : [];
        return push('Gemm', { inputs: [input, `${path}.weight`, ...bias], integers: { transB: 1 } });
      }
    }
  }

  private shortcut(layer: Extract<Layer, { kind: 'shortcut' }>, path: string, input: string): string {
    const { stride, inputShape, outputShape } = layer;
    const integers = (name: string, ...values: readonly bigint[]): string =>
      this.constant(`${path}.${name}`, [values.length], BigInt64Array.from(values));
    let top = input;
    if (stride !== 1) {
      const starts = integers('starts', 0n, 0n);
      const ends = integers('ends', TO_THE_END, TO_THE_END);
      const axes = integers('axes', 2n, 3n);
      const steps = integers('steps', BigInt(stride), BigInt(stride));
      const inputs = [top, starts, ends, axes, steps];
      top = this.push({ operator: 'Slice', inputs, output: `${path}.sliced` });
    }
    const added = BigInt(outputShape.channels - inputShape.channels);
    if (added === 0n) return top;
    const pads = integers('pads', 0n, 0n, 0n, 0n, 0n, added, 0n, 0n);
    return this.push({ operator: 'Pad', inputs: [top, pads], output: `${path}.output` });
  }

  /** The output of a layer in the form that another needs. */
  private shaped(from: number, reader: number, place: number): string {
    const name = from === IMAGES ? INPUT : this.outputs[from]!;
    const form: Form = from === IMAGES ? 'map' : this.forms.outputs[from]!;
    const need = this.forms.needs[reader]!;
    if (form === need) return name;
    const output = `${this.paths[reader]!}.input${place}`;
    if (need === 'vector') {
      return this.push({ operator: 'Flatten', inputs: [name], output, integers: { axis: 1 } });
    }
    const axes = this.constant('constant.axes', [2], BigInt64Array.of(2n, 3n));
    return this.push({ operator: 'Unsqueeze', inputs: [name, axes], output });
  }

  private constant(name: string, shape: readonly number[], values: OnnxTensor['values']): string {
    this.constants.set(name, { name, shape, values });
    return name;
  }

  private push(node: OnnxNode): string {
    this.nodes.push(node);
    return node.output;
  }
}

/** Zeros before the first row and column, and after the last. */
export function zerosAround(
  layer: Extract<Layer, { kind: 'convolution' }>,
): readonly [before: number, after: number] {
  const { kernelSize, padding = 'same' } = layer;
  const before = zerosBefore(layer);
  return [before, padding === 'same' ? kernelSize - 1 - before : 0];
}
