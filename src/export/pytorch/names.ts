/**
 * PyTorch's names and layouts of the tensors. A layer `stack1.block1.conv1` is the module of that path. Names that Python
 * or `nn.Module` could not take are changed; two layers never get one name.
 */

import { tensorView } from '../../model/index.js';
import type { Layer, Model, ModelState, TensorSpec } from '../../model/index.js';

/** A tensor as PyTorch has it. */
export interface PytorchTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** In Lockstep. */
  readonly spec: TensorSpec;
  readonly isStatistic: boolean;
}

/** What Python keeps for itself, and what every `nn.Module` has already. */
const RESERVED: ReadonlySet<string> = new Set(
  (
    'False None True and as assert async await break class continue def del elif else except finally for from global if ' +
    'import in is lambda nonlocal not or pass raise return try while with yield ' +
    'T_destination add_module apply bfloat16 bias buffers call_super_init children compile cpu cuda double dump_patches ' +
    'eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict ' +
    'modules mtia named_buffers named_children named_modules named_parameters parameters register_backward_hook ' +
    'register_buffer register_forward_hook register_forward_pre_hook register_full_backward_hook ' +
    'register_full_backward_pre_hook register_load_state_dict_post_hook register_load_state_dict_pre_hook ' +
    'register_module register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ ' +
    'set_extra_state set_submodule share_memory state_dict to to_empty train training type weight xpu zero_grad ' +
    'append clear copy extend fromkeys get insert items keys pop popitem setdefault update values ' +
    'running_mean running_var num_batches_tracked'
  ).split(' '),
);

/** Whether a layer is written as a module; the others are functions. */
export function isModule({ kind }: Layer): boolean {
  return ['convolution', 'batch-normalisation', 'dense', 'shortcut'].includes(kind);
}

/** The path of each layer's module, by the layer's index; of functions, the path that a module would have. */
export function modulePaths(layers: readonly Layer[]): readonly (readonly string[])[] {
  const wanted = layers.map(({ name }) => name.split('.').map(identifier));
  const modules = wanted.filter((_, index) => isModule(layers[index]!));
  const parents = new Set(modules.flatMap((path) => path.map((_, depth) => path.slice(0, depth).join('.'))));
  const taken = new Set<string>();
  return wanted.map((path) => {
    const last = path.at(-1)!;
    let found = path;
    for (let attempt = 1; taken.has(found.join('.')) || (attempt === 1 && isParent(found)); attempt++) {
      found = [...path.slice(0, -1), `${last}_${attempt === 1 ? '' : attempt}`];
    }
    taken.add(found.join('.'));
    return found;
  });

  /** A module that holds tensors must not hold modules, too. */
  function isParent(path: readonly string[]): boolean {
    return parents.has(path.join('.'));
  }
}

function identifier(segment: string): string {
  const plain = segment.replace(/\W/g, '_').replace(/^(?=\d|$)/, '_');
  return RESERVED.has(plain) || plain.startsWith('_') ? `${plain}_` : plain;
}

/** Every tensor of a network, in the order of the layers. */
export function pytorchTensors({ layers }: Pick<Model, 'layers'>): readonly PytorchTensor[] {
  const paths = modulePaths(layers);
  return layers.flatMap((layer, index) =>
    tensorsOf(layer).map(([name, spec, isStatistic = false]) => ({
      name: [...paths[index]!, name].join('.'),
      shape: pytorchShape(spec.shape),
      spec,
      isStatistic,
    })),
  );
}

function tensorsOf(
  layer: Layer,
): readonly (readonly [name: string, spec: TensorSpec, isStatistic?: boolean])[] {
  switch (layer.kind) {
    case 'convolution':
    case 'dense':
      return layer.bias
        ? [
            ['weight', layer.weight],
            ['bias', layer.bias],
          ]
        : [['weight', layer.weight]];
    case 'batch-normalisation':
      return [
        ['weight', layer.scale],
        ['bias', layer.shift],
        ['running_mean', layer.runningMean, true],
        ['running_var', layer.runningVariance, true],
      ];
    default:
      return [];
  }
}

/** (K, K, in, out) becomes (out, in, K, K), and (in, out) becomes (out, in). */
function pytorchShape(shape: readonly number[]): readonly number[] {
  const [a, b, c, d] = shape;
  if (shape.length === 4) return [d!, c!, a!, b!];
  return shape.length === 2 ? [b!, a!] : shape;
}

/** The values in PyTorch's layout: a view where it is Lockstep's own, else a copy. */
export function pytorchValues(
  { spec, isStatistic }: Pick<PytorchTensor, 'spec' | 'isStatistic'>,
  { parameters, statistics }: ModelState,
): Float32Array {
  const values = tensorView(isStatistic ? statistics : parameters, spec);
  if (spec.shape.length < 2) return values;
  const moved = new Float32Array(values.length);
  forEachPlace(spec, (here, there) => (moved[there] = values[here]!));
  return moved;
}

/** The other way round: the values of a tensor in Lockstep's layout. */
export function fromPytorchValues(spec: TensorSpec, values: Float32Array): Float32Array {
  if (spec.shape.length < 2) return values;
  const moved = new Float32Array(values.length);
  forEachPlace(spec, (here, there) => (moved[here] = values[there]!));
  return moved;
}

/** @param visit called with the place of each value in Lockstep's layout and in PyTorch's */
function forEachPlace({ shape }: TensorSpec, visit: (here: number, there: number) => void): void {
  const outputs = shape.at(-1)!;
  const inputs = shape.at(-2)!;
  const taps = shape.slice(0, -2).reduce((product, size) => product * size, 1);
  let here = 0;
  for (let tap = 0; tap < taps; tap++) {
    for (let input = 0; input < inputs; input++) {
      for (let output = 0; output < outputs; output++) visit(here++, (output * inputs + input) * taps + tap);
    }
  }
}
