/**
 * A network as a TensorFlow graph in JSON, as the converter of tfjs writes it, on images of (batch, height, width,
 * channels). Weights are as in Lockstep: both have the same layout.
 */

import { IMAGES } from '../../model/index.js';
import type { Layer, Model, TensorSpec } from '../../model/index.js';
import { formsOf, inputsOf } from '../forms.js';
import type { Form, Forms } from '../forms.js';
import { zerosAround } from '../onnx/graph.js';
import { floats, integer, integers, list, real, switchOf, TYPE, word } from './attributes.js';
import type { Attributes } from './attributes.js';

export const INPUT = 'images';
export const OUTPUT = 'logits';

export interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly input?: readonly string[];
  readonly attr: Attributes;
}

/** A constant of the graph: a tensor of the model, or values. */
export interface GraphWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values:
    | { readonly kind: 'tensor'; readonly spec: TensorSpec; readonly isStatistic: boolean }
    | { readonly kind: 'floats'; readonly values: readonly number[] }
    | { readonly kind: 'integers'; readonly values: readonly number[] };
}

export interface TfjsGraph {
  readonly nodes: readonly GraphNode[];
  readonly weights: readonly GraphWeight[];
}

export function tfjsGraph(model: Model): TfjsGraph {
  return new GraphWriter(model).write();
}

class GraphWriter {
  private readonly nodes: GraphNode[] = [];
  private readonly weights: GraphWeight[] = [];
  private readonly forms: Forms;
  private readonly outputs: string[] = [];

  constructor(private readonly model: Model) {
    this.forms = formsOf(model.layers);
  }

  write(): TfjsGraph {
    const { inputShape, layers } = this.model;
    const { height, width, channels } = inputShape;
    this.nodes.push({ name: INPUT, op: 'Placeholder', attr: floats([-1, height, width, channels]) });
    layers.forEach((layer, index) => {
      const inputs = inputsOf(layer).map((input, place) => this.shaped(input, index, place));
      this.outputs.push(this.layer(layer, inputs));
    });
    const last = this.outputs.at(-1)!;
    if (this.forms.outputs.at(-1) === 'map') this.flatten(last, OUTPUT, this.model.classCount);
    else this.push('Identity', OUTPUT, [last]);
    return { nodes: this.nodes, weights: this.weights };
  }

  /** @returns the name of the output */
  private layer(layer: Layer, inputs: readonly string[]): string {
    // A layer may be called images or logits.
    const name = `layers/${layer.name}`;
    const [input = ''] = inputs;
    switch (layer.kind) {
      case 'convolution':
        return this.convolution(layer, name, input);
      case 'batch-normalisation': {
        const { scale, shift, runningMean, runningVariance, epsilon } = layer;
        const tensors = [
          ...[scale, shift].map((spec) => this.tensor(spec, false)),
          ...[runningMean, runningVariance].map((spec) => this.tensor(spec, true)),
        ];
        const attr = { epsilon: real(epsilon), data_format: word('NHWC'), is_training: switchOf(false) };
        return this.push('FusedBatchNormV3', name, [input, ...tensors], attr);
      }
      case 'relu':
        return this.push('Relu', name, inputs);
      case 'gelu': {
        const scaled = this.push('Mul', `${name}/scaled`, [input, this.scalar(Math.SQRT1_2)]);
        const erf = this.push('Erf', `${name}/erf`, [scaled]);
        const sum = this.push('AddV2', `${name}/sum`, [erf, this.scalar(1)]);
        const product = this.push('Mul', `${name}/product`, [input, sum]);
        return this.push('Mul', name, [product, this.scalar(0.5)]);
      }
      case 'silu': {
        const share = this.push('Sigmoid', `${name}/sigmoid`, inputs);
        return this.push('Mul', name, [input, share]);
      }
      case 'celu': {
        // alpha elu(x / alpha)
        const scaled = this.push('Mul', `${name}/scaled`, [input, this.scalar(1 / layer.alpha)]);
        const elu = this.push('Elu', `${name}/elu`, [scaled]);
        return this.push('Mul', name, [elu, this.scalar(layer.alpha)]);
      }
      case 'max-pool':
      case 'average-pool': {
        const { size, stride } = layer;
        return this.push(layer.kind === 'max-pool' ? 'MaxPool' : 'AvgPool', name, inputs, {
          ksize: list([1, size, size, 1]),
          strides: list([1, stride, stride, 1]),
          ...{ padding: word('VALID'), data_format: word('NHWC') },
        });
      }
      case 'scale':
        return this.push('Mul', name, [input, this.scalar(layer.factor)]);
      case 'shortcut':
        return this.shortcut(layer, name, input);
      case 'add':
        return this.push('AddV2', name, inputs);
      case 'global-average-pool': {
        const axes = this.integers(`${name}/axes`, [1, 2]);
        return this.push('Mean', name, [input, axes], { keep_dims: switchOf(false) });
      }
      case 'dropout':
        return input;
      case 'dense': {
        const attr = { transpose_a: switchOf(false), transpose_b: switchOf(false) };
        const weight = this.tensor(layer.weight, false);
        const product = this.push('MatMul', layer.bias ? `${name}/product` : name, [input, weight], attr);
        return this.biased(layer, name, product);
      }
    }
  }

  private convolution(layer: Extract<Layer, { kind: 'convolution' }>, name: string, input: string): string {
    const [before, after] = zerosAround(layer);
    const { stride, bias } = layer;
    const padding =
      before + after === 0
        ? { padding: word('VALID') }
        : {
            padding: word('EXPLICIT'),
            explicit_paddings: list([0, 0, before, after, before, after, 0, 0]),
          };
    const convolved = this.push(
      'Conv2D',
      bias ? `${name}/product` : name,
      [input, this.tensor(layer.weight, false)],
      {
        strides: list([1, stride, stride, 1]),
        dilations: list([1, 1, 1, 1]),
        ...{ ...padding, data_format: word('NHWC') },
      },
    );
    return this.biased(layer, name, convolved);
  }

  private biased({ bias }: { readonly bias?: TensorSpec }, name: string, product: string): string {
    if (!bias) return product;
    const attr = { data_format: word('NHWC') };
    return this.push('BiasAdd', name, [product, this.tensor(bias, false)], attr);
  }

  private shortcut(layer: Extract<Layer, { kind: 'shortcut' }>, name: string, input: string): string {
    const { stride, inputShape, outputShape } = layer;
    let top = input;
    if (stride !== 1) {
      const bounds = [
        this.integers(`${name}/begin`, [0, 0, 0, 0]),
        this.integers(`${name}/end`, [0, 0, 0, 0]),
        this.integers(`${name}/strides`, [1, stride, stride, 1]),
      ];
      const ALL_AXES = 15;
      const masks = { begin_mask: integer(ALL_AXES), end_mask: integer(ALL_AXES) };
      const others = { ellipsis_mask: integer(0), new_axis_mask: integer(0), shrink_axis_mask: integer(0) };
      top = this.push('StridedSlice', `${name}/sliced`, [top, ...bounds], { ...masks, ...others });
    }
    const added = outputShape.channels - inputShape.channels;
    if (added === 0) return top;
    const paddings = this.integers(`${name}/paddings`, [0, 0, 0, 0, 0, 0, 0, added], [4, 2]);
    return this.push('PadV2', name, [top, paddings, this.scalar(0)]);
  }

  /** The output of a layer in the form that another needs. */
  private shaped(from: number, reader: number, place: number): string {
    const name = from === IMAGES ? INPUT : this.outputs[from]!;
    const form: Form = from === IMAGES ? 'map' : this.forms.outputs[from]!;
    const need = this.forms.needs[reader]!;
    if (form === need) return name;
    const layer = this.model.layers[reader]!;
    const output = `layers/${layer.name}/input${place}`;
    const { channels } = layer.inputShape;
    return need === 'vector' ? this.flatten(name, output, channels) : this.reshape(name, output, channels);
  }

  private flatten(input: string, name: string, channels: number): string {
    return this.push('Reshape', name, [input, this.integers(`${name}/shape`, [-1, channels])]);
  }

  private reshape(input: string, name: string, channels: number): string {
    return this.push('Reshape', name, [input, this.integers(`${name}/shape`, [-1, 1, 1, channels])]);
  }

  private tensor(spec: TensorSpec, isStatistic: boolean): string {
    return this.constant(`weights/${spec.name}`, spec.shape, { kind: 'tensor', spec, isStatistic });
  }

  private scalar(value: number): string {
    return this.constant(`constants/${value}`, [], { kind: 'floats', values: [value] });
  }

  private integers(name: string, values: readonly number[], shape = [values.length]): string {
    return this.constant(name, shape, { kind: 'integers', values });
  }

  private constant(name: string, shape: readonly number[], values: GraphWeight['values']): string {
    if (this.weights.some((weight) => weight.name === name)) return name;
    this.weights.push({ name, shape, values });
    const attr = values.kind === 'integers' ? integers(shape) : floats(shape);
    this.nodes.push({ name, op: 'Const', attr });
    return name;
  }

  private push(op: string, name: string, input: readonly string[], attr: Attributes = {}): string {
    this.nodes.push({ name, op, input, attr: { ...TYPE, ...attr } });
    return name;
  }
}
