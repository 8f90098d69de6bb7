/**
 * From a description of a network to the network: a list of layers is checked and becomes layers with shapes and tensors.
 * A description is plain data. Checkpoints and files hold it, and it is sent to workers.
 */

import { LockstepError } from '../foundation/errors.js';
import { shapeText } from './geometry.js';
import { multiplicationsOf, placeLayer } from './layerKinds.js';
import type { LayerDescription } from './layerKinds.js';
import { IMAGES } from './layers.js';
import type { ActivationShape, Layer } from './layers.js';
import { elementCount, LayoutBuilder } from './layout.js';
import { NETWORK_LIMITS } from './limits.js';
import { IMAGES_NAME } from './model.js';
import type { Model, NetworkDescription } from './model.js';

/** A first word that would make a layer's tensors look like others in a checkpoint. */
const RESERVED_FIRST_WORDS: readonly string[] = ['momentum', 'best', 'averaged'];

/**
 * Checks a description whose parts have passed their schema, and builds the network.
 * @param origin of the description, for messages, such as `own.json`
 * @throws LockstepError E_MODEL for layers that do not fit each other or are too large
 */
export function buildNetwork(description: NetworkDescription, origin = description.name): Model {
  const builder = new NetworkChecker(description, origin);
  description.layers.forEach((layer) => builder.add(layer));
  return builder.finish();
}

/** @param what the value, the rule and the remedy */
export function networkFault(origin: string, what: string): LockstepError {
  return new LockstepError('E_MODEL', `the network ${origin} cannot be used: ${what}`);
}

class NetworkChecker {
  private readonly layers: Layer[] = [];
  private readonly indexByName = new Map<string, number>([[IMAGES_NAME, IMAGES]]);
  private readonly layout = new LayoutBuilder();
  private activationElements = 0;
  private multiplications = 0;

  constructor(
    private readonly description: NetworkDescription,
    private readonly origin: string,
  ) {
    const { inputShape, layers } = description;
    this.limit('its number of layers', layers.length, NETWORK_LIMITS.layers);
    const { height, width, channels } = inputShape;
    this.limit('elements of an image', elementCount([height, width, channels]), NETWORK_LIMITS.imageElements);
  }

  add(description: LayerDescription): void {
    const { name } = description;
    const refuse = (why: string): never => this.refuse(`layer ${name}: ${why}`);
    if (this.indexByName.has(name)) refuse('its name is taken; give each layer a name of its own');
    if (RESERVED_FIRST_WORDS.includes(name.split('.')[0]!)) {
      refuse(`a name must not begin with ${RESERVED_FIRST_WORDS.join(' or ')}; choose another`);
    }
    const inputNamed = (wanted: string): { readonly index: number; readonly shape: ActivationShape } => {
      const index = this.indexByName.get(wanted);
      if (index === undefined) return refuse(`it reads ${wanted}, ${this.whyMissing(wanted)}`);
      return { index, shape: this.shapeOf(index) };
    };
    const { index: input, shape: inputShape } = inputNamed(description.input);
    const layer = placeLayer(description, {
      name,
      input,
      inputShape,
      inputNamed,
      layout: this.layout,
      refuse,
    });
    this.count(layer);
    this.indexByName.set(name, this.layers.length);
    this.layers.push(layer);
  }

  finish(): Model {
    const { name, inputShape, classNames } = this.description;
    const last = this.layers.at(-1);
    if (last === undefined) return this.refuse('it has no layers; it needs at least one');
    const { outputShape } = last;
    const classCount = classNames.length;
    if (outputShape.height !== 1 || outputShape.width !== 1 || outputShape.channels !== classCount) {
      this.refuse(
        `its last layer ${last.name} puts out ${shapeText(outputShape)} and must put out 1x1x${classCount}, one value a class; end with a dense layer of ${classCount} channels`,
      );
    }
    const layout = this.layout.build();
    if (layout.parameterCount === 0) this.refuse('it has no parameters to train; add a dense layer');
    const { description, layers } = this;
    return { name, description, inputShape, classNames, classCount, layers, layout };
  }

  /** Sums as they grow: nothing has been allocated but the list itself. */
  private count(layer: Layer): void {
    const { height, width, channels } = layer.outputShape;
    const where = `of layer ${layer.name}`;
    this.limit(`channels ${where}`, channels, NETWORK_LIMITS.channels);
    this.activationElements += elementCount([height, width, channels]);
    this.multiplications += multiplicationsOf(layer);
    const upTo = `up to layer ${layer.name}`;
    this.limit(`activations ${upTo}`, this.activationElements, NETWORK_LIMITS.activationElements);
    this.limit(`multiplications ${upTo}`, this.multiplications, NETWORK_LIMITS.multiplications);
    this.limit(`parameters ${upTo}`, this.layout.parameterCount, NETWORK_LIMITS.parameters);
    this.limit(`running statistics ${upTo}`, this.layout.statisticCount, NETWORK_LIMITS.statistics);
  }

  private limit(what: string, value: number, most: number): void {
    if (value > most) this.refuse(`${what}: ${value} is more than ${most}; make it smaller`);
  }

  private whyMissing(name: string): string {
    return this.description.layers.some((layer) => layer.name === name)
      ? 'which does not come before it; a layer reads earlier layers only'
      : `which is no layer; name an earlier layer, or ${IMAGES_NAME}`;
  }

  private shapeOf(index: number): ActivationShape {
    return index === IMAGES ? this.description.inputShape : this.layers[index]!.outputShape;
  }

  private refuse(what: string): never {
    throw networkFault(this.origin, what);
  }
}
