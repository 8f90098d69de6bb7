/**
 * TensorFlow's own operations, called by name instead of tfjs's kernels, which use a dozen operations for batch
 * normalisation and have no explicit padding. Shapes and meanings are those of TensorFlow's op definitions,
 * tensorflow/core/ops/nn_ops.cc.
 */

import type {
  ConvolutionGeometry,
  Normaliser,
  Operations,
  Tensor,
  Tensor1D,
  Tensor4D,
  TensorFlow,
} from './backend.js';
import { deviceLogitGradient } from './operations.js';

/** The part of tfjs-node's backend that is used here. */
export interface NodeBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: Binding;
  executeSingleOutput(name: string, attributes: readonly Attribute[], inputs: readonly Tensor[]): Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: readonly Attribute[],
    inputs: readonly Tensor[],
    outputCount: number,
  ): Tensor[];
}

interface Binding {
  readonly TF_Version: string;
  readonly TF_FLOAT: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_STRING: number;
}

interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: number | boolean | string | readonly number[];
}

export function tensorflowOperations(tf: TensorFlow, backend: NodeBackend): Operations {
  const { float32 } = attributesOf(backend);
  return {
    ...convolutions(tf, backend),
    normaliser: fusedNormaliser(tf, backend),
    rectifierGradient: (outputGradient, output) =>
      backend.executeSingleOutput('ReluGrad', [float32('T')], [outputGradient, output]) as Tensor4D,
    logitGradient: deviceLogitGradient(tf),
  };
}

type Convolutions = Pick<
  Operations,
  'convolution' | 'convolutionInputGradient' | 'convolutionFilterGradient'
>;

/** One pixel of zeros on every side: TensorFlow's `SAME` would put all of it at the end if the stride is 2. */
function convolutions(tf: TensorFlow, backend: NodeBackend): Convolutions {
  const { float32, integers, text } = attributesOf(backend);
  const attributes = (stride: number): Attribute[] => [
    float32('T'),
    integers('strides', [1, stride, stride, 1]),
    text('padding', 'EXPLICIT'),
    integers('explicit_paddings', [0, 0, 1, 1, 1, 1, 0, 0]),
    text('data_format', 'NHWC'),
  ];
  const run = (name: string, stride: number, inputs: readonly Tensor[]): Tensor4D =>
    backend.executeSingleOutput(name, attributes(stride), inputs) as Tensor4D;
  const sizes = (shape: ConvolutionGeometry['inputShape']): Tensor1D => tf.tensor1d([...shape], 'int32');
  return {
    convolution: (input, filter, stride) => run('Conv2D', stride, [input, filter]),
    convolutionInputGradient: (outputGradient, filter, { stride, inputShape }) =>
      tf.tidy(() => run('Conv2DBackpropInput', stride, [sizes(inputShape), filter, outputGradient])),
    convolutionFilterGradient: (input, outputGradient, { stride, filterShape }) =>
      tf.tidy(() => run('Conv2DBackpropFilter', stride, [input, sizes(filterShape), outputGradient])),
  };
}

/**
 * FusedBatchNormV3 and its gradient. Training's second to sixth outputs are mean, unbiased variance, and three reserves,
 * whose content depends on the device: they are passed to the gradient unchanged.
 */
function fusedNormaliser(tf: TensorFlow, backend: NodeBackend): Normaliser {
  const { float32, float, text, boolean } = attributesOf(backend);
  const attributes = (epsilon: number, training: boolean): Attribute[] => [
    float32('T'),
    float32('U'),
    float('epsilon', epsilon),
    text('data_format', 'NHWC'),
    boolean('is_training', training),
  ];
  return {
    varianceDivisor: 'N-1',
    backwardReadsInput: true,
    forwardByBatch: (input, { scale, shift, epsilon }) => {
      const none = tf.tensor1d([], 'float32'); // training reads no statistics
      const inputs = [input, scale, shift, none, none];
      const outputs = backend.executeMultipleOutputs(
        'FusedBatchNormV3',
        attributes(epsilon, true),
        inputs,
        6,
      );
      const [output, mean, variance, ...kept] = outputs as [Tensor4D, Tensor1D, Tensor1D, ...Tensor[]];
      none.dispose();
      return { output, record: { mean, variance, kept } };
    },
    forwardByRunning: (input, { scale, shift, epsilon }, mean, variance) => {
      const inputs = [input, scale, shift, mean, variance];
      const outputs = backend.executeMultipleOutputs(
        'FusedBatchNormV3',
        attributes(epsilon, false),
        inputs,
        6,
      );
      const [output, ...others] = outputs as [Tensor4D, ...Tensor[]];
      for (const other of others) other.dispose();
      return output;
    },
    backward: (outputGradient, input, { scale, epsilon }, { kept }) => {
      const outputs = backend.executeMultipleOutputs(
        'FusedBatchNormGradV3',
        attributes(epsilon, true),
        [outputGradient, input!, scale, ...kept],
        5,
      );
      const [toInput, toScale, toShift, ...others] = outputs as [Tensor4D, Tensor1D, Tensor1D, ...Tensor[]];
      for (const other of others) other.dispose();
      return { input: toInput, scale: toScale, shift: toShift };
    },
  };
}

interface AttributeMakers {
  /** The attribute `name` gets the element type float32. */
  readonly float32: (name: string) => Attribute;
  readonly integers: (name: string, value: readonly number[]) => Attribute;
  readonly float: (name: string, value: number) => Attribute;
  readonly boolean: (name: string, value: boolean) => Attribute;
  readonly text: (name: string, value: string) => Attribute;
}

function attributesOf({ binding }: NodeBackend): AttributeMakers {
  return {
    float32: (name) => ({ name, type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT }),
    integers: (name, value) => ({ name, type: binding.TF_ATTR_INT, value }),
    float: (name, value) => ({ name, type: binding.TF_ATTR_FLOAT, value }),
    boolean: (name, value) => ({ name, type: binding.TF_ATTR_BOOL, value }),
    text: (name, value) => ({ name, type: binding.TF_ATTR_STRING, value }),
  };
}
