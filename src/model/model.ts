/** A network: its description, and what follows from it. Engines read the layers and the layout, and nothing else. */

import type { LayerDescription, LayerEntry } from './layerKinds.js';
import type { ActivationShape, Layer, Layout } from './layers.js';

/** The `input` of a layer that reads the images, in a description. */
export const IMAGES_NAME = 'images';

/** A network as it is written: what has a default may be left out. */
export interface NetworkEntry {
  /** For people; nothing depends on it. */
  readonly name: string;
  readonly inputShape: ActivationShape;
  /** One a class, by label. The network puts out as many values. */
  readonly classNames: readonly string[];
  /** In an order in which they can be computed; the last one's output is the logits. */
  readonly layers: readonly LayerEntry[];
}

/** A network as it is kept and sent: nothing is left out. */
export interface NetworkDescription extends NetworkEntry {
  readonly layers: readonly LayerDescription[];
}

export interface Model {
  /** For people; nothing depends on it. */
  readonly name: string;
  readonly description: NetworkDescription;
  readonly inputShape: ActivationShape;
  /** By label. */
  readonly classNames: readonly string[];
  readonly classCount: number;
  readonly layers: readonly Layer[];
  readonly layout: Layout;
}
