/** Twelve trainings, each with one fault, and the check that must name it. Nothing in src/ knows of them. */

import type { Subject } from '../../src/check/index.js';
import type { ImageSet } from '../../src/data/index.js';
import { imageByteCount } from '../../src/data/index.js';
import type { Engine } from '../../src/engine/index.js';
import { randomPermutation } from '../../src/foundation/random.js';
import { networkFrom, tensorView } from '../../src/model/index.js';
import type { LayerDescription, Model } from '../../src/model/index.js';

export interface PlantedFault {
  readonly fault: string;
  /** The one check that must fail or warn. */
  readonly check: string;
  /** What its finding must say. */
  readonly says: RegExp;
  readonly plant: (subject: Subject) => Subject;
}

export const PLANTED_FAULTS: readonly PlantedFault[] = [
  {
    fault: 'labels shuffled',
    check: 'labels',
    says: /held-out images$|have another/,
    plant: withSet((set) => {
      const order = randomPermutation(set.sampleCount, [1, 2]);
      return { ...set, ...relabelled(set, (index) => set.labelOf(order[index]!)) };
    }),
  },
  {
    fault: 'labels off by one',
    check: 'labels',
    says: /off by 1|are off by one place/,
    plant: (subject: Subject): Subject => {
      const training = new Set(subject.data.split.training);
      const { classCount } = subject.model;
      return withSet((set) => ({
        ...set,
        ...relabelled(set, (index) => (set.labelOf(index) + (training.has(index) ? 1 : 0)) % classCount),
      }))(subject);
    },
  },
  {
    fault: 'one class missing',
    check: 'classes',
    says: /no training image of/,
    plant: (subject: Subject): Subject => {
      const { set, split } = subject.data;
      const training = split.training.filter((index) => set.labelOf(index) !== 3);
      const validation = split.validation.filter((index) => set.labelOf(index) !== 3);
      return { ...subject, data: { ...subject.data, split: { training, validation } } };
    },
  },
  {
    fault: 'validation images copied into training',
    check: 'duplicates',
    says: /validation images are in training/,
    plant: (subject: Subject): Subject => {
      const { training, validation } = subject.data.split;
      const copies = new Map(
        Array.from(validation.subarray(0, 50), (index, place) => [training[300 + place]!, index]),
      );
      const from = (index: number): number => copies.get(index) ?? index;
      return withSet((set) => ({
        ...set,
        labelOf: (index) => set.labelOf(from(index)),
        read: (index, target, offset) => set.read(from(index), target, offset),
      }))(subject);
    },
  },
  {
    fault: 'standardisation left out',
    check: 'inputs',
    says: /^means 0\.\d+/,
    plant: (subject: Subject): Subject => {
      const channels = subject.data.normalisation.mean;
      const normalisation = { mean: channels.map(() => 0), standardDeviation: channels.map(() => 1) };
      return { ...subject, data: { ...subject.data, normalisation } };
    },
  },
  {
    fault: 'one colour channel constant',
    check: 'channels',
    says: /channel 1 has one value/,
    plant: (subject: Subject): Subject => {
      const { mean, standardDeviation } = subject.data.normalisation;
      const normalisation = {
        mean: mean.map((value, channel) => (channel === 1 ? 128 / 255 : value)),
        standardDeviation: standardDeviation.map((value, channel) => (channel === 1 ? 1 : value)),
      };
      const planted = withSet((set) => ({
        ...set,
        read: (index, target, offset) => {
          const label = set.read(index, target, offset);
          const { channels } = set.imageShape;
          for (let at = 1; at < imageByteCount(set.imageShape); at += channels) target[offset + at] = 128;
          return label;
        },
      }))(subject);
      return { ...planted, data: { ...planted.data, normalisation } };
    },
  },
  {
    fault: 'a layer cut off from the loss',
    check: 'gradients',
    says: /none for cut\.weight/,
    plant: withLayers((layers) => {
      const at = layers.findIndex(({ kind }) => kind === 'relu');
      const cut = {
        kind: 'convolution',
        name: 'cut',
        input: layers[at]!.name,
        channels: 4,
        kernelSize: 3,
        stride: 1,
      };
      return [...layers.slice(0, at + 1), cut as LayerDescription, ...layers.slice(at + 1)];
    }),
  },
  {
    fault: 'a frozen layer that should train',
    check: 'frozen',
    says: /will keep the random values/,
    plant: withLayers((layers) => {
      const at = secondConvolution(layers);
      return layers.with(at, { ...layers[at]!, frozen: ['weight'] } as LayerDescription);
    }),
  },
  {
    fault: 'gradient of a layer multiplied by -1',
    check: 'slope',
    says: /its gradient has the wrong sign/,
    plant: withEngine((engine, { layout }) => ({
      ...proxied(engine),
      gradient: async (...given) => {
        const result = await engine.gradient(...given);
        const spec = layout.parameters.filter(({ name }) => name.endsWith('.weight'))[1]!;
        const view = tensorView(result.gradientSum, spec);
        view.forEach((value, index) => (view[index] = -value));
        return result;
      },
    })),
  },
  {
    fault: 'rate a hundred times too high',
    check: 'rate',
    says: /from .* to|not finite/,
    plant: (subject: Subject): Subject => ({
      ...subject,
      recipe: { ...subject.recipe, lr: 100 * subject.recipe.lr },
    }),
  },
  {
    fault: 'all-zero initialisation of a layer',
    check: 'activations',
    says: /puts out 0 everywhere/,
    plant: withLayers((layers) => {
      const at = secondConvolution(layers);
      return layers.with(at, { ...layers[at]!, initial: { weight: { kind: 'zero' } } } as LayerDescription);
    }),
  },
  {
    fault: 'batch statistics mixed across samples where they must not',
    check: 'independence',
    says: /logits of the other images change/,
    plant: withEngine((engine) => ({
      ...proxied(engine),
      evaluate: (state, batch) => engine.evaluate(state, batch, 'batch'),
    })),
  },
];

type Plant = (subject: Subject) => Subject;

function withSet(change: (set: ImageSet) => ImageSet): Plant {
  return (subject) => ({ ...subject, data: { ...subject.data, set: change(subject.data.set) } });
}

function relabelled(set: ImageSet, labelOf: (index: number) => number): Pick<ImageSet, 'labelOf' | 'read'> {
  return {
    labelOf,
    read: (index, target, offset) => {
      set.read(index, target, offset);
      return labelOf(index);
    },
  };
}

function withLayers(change: (layers: readonly LayerDescription[]) => readonly LayerDescription[]): Plant {
  return (subject) => {
    const { description } = subject.model;
    const layers = change(description.layers);
    return { ...subject, model: networkFrom({ ...description, name: 'planted', layers }, 'planted') };
  };
}

function secondConvolution(layers: readonly LayerDescription[]): number {
  const first = layers.findIndex(({ kind }) => kind === 'convolution');
  return layers.findIndex(({ kind }, index) => kind === 'convolution' && index > first);
}

function withEngine(wrap: (engine: Engine, model: Model) => Engine): Plant {
  return (subject) => {
    const { computing } = subject;
    const load = async (model: Model): Promise<Engine> => wrap(await computing.load(model), model);
    return { ...subject, computing: { ...computing, load } };
  };
}

/** Of an engine, whatever class it has. */
function proxied(engine: Engine): Engine {
  return {
    description: engine.description,
    gradient: (...given) => engine.gradient(...given),
    evaluate: (...given) => engine.evaluate(...given),
    dispose: () => engine.dispose(),
  };
}
