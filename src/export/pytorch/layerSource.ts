/** How each kind of layer is written in PyTorch: the module it makes, if any, and its step of `forward`. */

import type { Layer } from '../../model/index.js';
import type { Form } from '../forms.js';

/** A number of a layer that may differ between the blocks of one class. */
export interface Slot {
  readonly role: 'inputs' | 'channels' | 'stride';
  readonly value: number;
}

/** Writes a slot: a number, or the name of a parameter of the class. */
export type SlotText = (slot: Slot) => string;

const USUAL_EPSILON = 1e-5;
const USUAL_MOMENTUM = 0.1;

/** @returns the constructor of the layer's module; undefined for a layer that is a function */
export function moduleSource(layer: Layer, form: Form, write: SlotText): string | undefined {
  switch (layer.kind) {
    case 'convolution': {
      const { kernelSize, bias } = layer;
      const stride = write(strideOf(layer));
      const options = [
        ...(stride === '1' ? [] : [`stride=${stride}`]),
        ...paddingOptions(layer),
        ...(bias ? [] : ['bias=False']),
      ];
      return call('nn.Conv2d', write(inputsSlot(layer)), write(channelsSlot(layer)), kernelSize, ...options);
    }
    case 'batch-normalisation': {
      const { epsilon, momentum = USUAL_MOMENTUM } = layer;
      return call(
        form === 'map' ? 'nn.BatchNorm2d' : 'nn.BatchNorm1d',
        write(channelsSlot(layer)),
        ...(epsilon === USUAL_EPSILON ? [] : [`eps=${epsilon}`]),
        ...(momentum === USUAL_MOMENTUM ? [] : [`momentum=${momentum}`]),
      );
    }
    case 'dense':
      return call(
        'nn.Linear',
        write(inputsSlot(layer)),
        write(channelsSlot(layer)),
        ...(layer.bias ? [] : ['bias=False']),
      );
    case 'shortcut': {
      const [inputs, channels] = [write(inputsSlot(layer)), write(channelsSlot(layer))];
      return call('Shortcut', write(strideOf(layer)), inputs, channels);
    }
    default:
      return undefined;
  }
}

/** What two layers must have alike to be the same line of a class. */
export function structureOf(layer: Layer): unknown {
  switch (layer.kind) {
    case 'convolution': {
      const { kind, kernelSize, padding = 'same', bias, stride } = layer;
      // A 2x2 convolution has other zeros with a stride.
      return [kind, kernelSize, padding, bias !== undefined, kernelSize === 2 ? stride : 0];
    }
    case 'batch-normalisation':
      return [layer.kind, layer.epsilon, layer.momentum ?? USUAL_MOMENTUM];
    case 'dense':
      return [layer.kind, layer.bias !== undefined];
    case 'max-pool':
    case 'average-pool':
      return [layer.kind, layer.size, layer.stride];
    case 'celu':
      return [layer.kind, layer.alpha];
    case 'scale':
      return [layer.kind, layer.factor];
    case 'dropout':
      return [layer.kind, layer.rate];
    case 'relu':
    case 'gelu':
    case 'silu':
    case 'shortcut':
    case 'add':
    case 'global-average-pool':
      return [layer.kind];
  }
}

/** In the order in which a reader meets them. */
export function slotsOf(layer: Layer): readonly Slot[] {
  switch (layer.kind) {
    case 'convolution':
    case 'shortcut':
      return [inputsSlot(layer), channelsSlot(layer), strideOf(layer)];
    case 'dense':
      return [inputsSlot(layer), channelsSlot(layer)];
    case 'batch-normalisation':
      return [channelsSlot(layer)];
    default:
      return [];
  }
}

/** @param module the expression that reaches the layer's module, such as `self.conv1` */
export function stepSource(layer: Layer, module: string, texts: readonly string[]): string {
  const [x = '', other = ''] = texts;
  switch (layer.kind) {
    case 'convolution':
      // PyTorch has padding="same" for strides of 1 only.
      return padsBefore(layer) ? `${module}(F.pad(${x}, (0, 1, 0, 1)))` : `${module}(${x})`;
    case 'batch-normalisation':
    case 'dense':
    case 'shortcut':
      return `${module}(${x})`;
    case 'relu':
    case 'gelu':
    case 'silu':
      return call(`F.${layer.kind}`, x);
    case 'celu':
      return call('F.celu', x, `alpha=${layer.alpha}`);
    case 'max-pool':
    case 'average-pool': {
      const { size, stride } = layer;
      const name = layer.kind === 'max-pool' ? 'F.max_pool2d' : 'F.avg_pool2d';
      return call(name, x, size, ...(stride === size ? [] : [`stride=${stride}`]));
    }
    case 'scale':
      return `${bracketed(x)} * ${layer.factor}`;
    case 'add':
      return `${x} + ${bracketed(other)}`;
    case 'global-average-pool':
      return `${bracketed(x)}.mean((2, 3))`;
    case 'dropout':
      return call('F.dropout', x, layer.rate, 'self.training');
  }
}

/** From a map of 1x1 pixels to a vector, or back. */
export function changeForm(text: string, to: Form): string {
  return to === 'vector' ? `${bracketed(text)}.flatten(1)` : `${bracketed(text)}[:, :, None, None]`;
}

function paddingOptions(layer: Extract<Layer, { kind: 'convolution' }>): readonly string[] {
  const { kernelSize, padding = 'same' } = layer;
  if (padding === 'valid' || kernelSize === 1 || padsBefore(layer)) return [];
  return [kernelSize === 3 ? 'padding=1' : 'padding="same"'];
}

function padsBefore({
  kernelSize,
  stride,
  padding = 'same',
}: Extract<Layer, { kind: 'convolution' }>): boolean {
  return padding === 'same' && kernelSize === 2 && stride === 2;
}

function inputsSlot({ inputShape }: Layer): Slot {
  return { role: 'inputs', value: inputShape.channels };
}

function channelsSlot({ outputShape }: Layer): Slot {
  return { role: 'channels', value: outputShape.channels };
}

function strideOf({ stride }: { readonly stride: number }): Slot {
  return { role: 'stride', value: stride };
}

function call(name: string, ...values: readonly (string | number)[]): string {
  return `${name}(${values.join(', ')})`;
}

/** A sum or a product must be bracketed before anything is done with it. */
function bracketed(text: string): string {
  return isCompound(text) ? `(${text})` : text;
}

function isCompound(text: string): boolean {
  let depth = 0;
  for (let place = 0; place < text.length; place++) {
    if ('(['.includes(text[place]!)) depth++;
    else if (')]'.includes(text[place]!)) depth--;
    else if (depth === 0 && ' +*-'.includes(text[place]!)) return true;
  }
  return false;
}
