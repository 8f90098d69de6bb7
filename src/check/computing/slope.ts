/**
 * The gradient is the slope of the loss: a small step along the gradient of one layer changes the loss by as much as the
 * gradient says, and in that direction. The loss is measured by forward passes alone, so no backward pass can hide behind
 * another that is wrong in the same way.
 */

import { found, passed } from '../finding.js';
import type { Check } from '../finding.js';
import { tensorView } from '../../model/index.js';
import type { TensorSpec } from '../../model/index.js';
import type { Workbench } from '../workbench.js';
import { isFiniteProbe, PROBE_NOT_FINITE, probeOf, referenceProbeOf } from './probe.js';
import { relativeDistance } from './reference.js';

/** Share of the loss that a step is to change. */
const CHANGE = 0.004;
/** A finite step over kinks of ReLUs is not the derivative. */
const RATIOS = [0.6, 1.6] as const;
/** Of the gradient of a whole layer, between two engines. */
const TOLERANCE = 0.05;
/** A share of the whole gradient below which a layer's is rounding: of a bias before batch normalisation, for example. */
const NEGLIGIBLE = 1e-4;

interface LayerTensors {
  readonly layer: string;
  readonly tensors: readonly TensorSpec[];
}

export const slope: Check = {
  name: 'slope',
  group: 'computing',
  about: "each layer's gradient is the slope of the loss, and that of the reference engine",
  needs: ['reference'],
  run: async (bench) => {
    const expected = 'a small step along the gradient of a layer changes the loss as the gradient says';
    if (!isFiniteProbe(await probeOf(bench))) return { leftOut: PROBE_NOT_FINITE };
    const measured = await slopesOf(bench);
    if (measured.length === 0) return { leftOut: 'no layer has a gradient: see gradients' };
    const wrong = measured.filter(({ ratio }) => !(ratio >= RATIOS[0] && ratio <= RATIOS[1]));
    const [worst] = wrong.toSorted((a, b) => a.ratio - b.ratio);
    if (worst) {
      return found('fail', {
        expected,
        seen: `${worst.ratio.toFixed(2)} of it in layer ${worst.layer}${worst.ratio < -RATIOS[0] ? ': its gradient has the wrong sign' : ''}${wrong.length > 1 ? `, and not in ${wrong.length - 1} more` : ''}`,
        advice: 'the backward pass is wrong there: compare it with finite differences, layer by layer',
      });
    }
    const apart = await apartFromReference(bench, measured);
    if (apart !== undefined) {
      return found('fail', {
        expected,
        seen: `the gradient of layer ${apart.layer} differs from the reference engine's by ${(100 * apart.distance).toFixed(0)} %`,
        advice: ['report it with this output; meanwhile use ', { option: 'engine', value: 'wasm' }],
      });
    }
    const ratios = measured.map(({ ratio }) => ratio);
    return passed(
      expected,
      `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)} of it in ${measured.length} layers`,
    );
  },
};

type Measured = LayerTensors & { readonly ratio: number };

/** The measured change over the predicted one, for every layer whose gradient is more than rounding. */
async function slopesOf(bench: Workbench): Promise<readonly Measured[]> {
  const { batch, state, gradient } = await probeOf(bench);
  const engine = await bench.engineFor(bench.plainModel);
  const { gradientSum, lossSum } = gradient;
  const whole = norm([gradientSum]);
  const measured: Measured[] = [];
  for (const group of layersOf(bench)) {
    bench.signal.throwIfAborted();
    const views = group.tensors.map((spec) => tensorView(gradientSum, spec));
    const size = norm(views);
    if (!(size > NEGLIGIBLE * whole)) continue;
    const distance = (CHANGE * lossSum) / (size * size);
    const lossAt = async (step: number): Promise<number> => {
      const parameters = state.parameters.slice();
      group.tensors.forEach((spec, place) => {
        const target = tensorView(parameters, spec);
        for (let index = 0; index < target.length; index++) target[index]! += step * views[place]![index]!;
      });
      const moved = bench.versioned({ parameters, statistics: state.statistics });
      return (await engine.evaluate(moved, batch, 'batch')).lossSum;
    };
    const change = (await lossAt(distance)) - (await lossAt(-distance));
    measured.push({ ...group, ratio: change / (2 * distance * size * size) });
  }
  return measured;
}

/** Tensors that are trained, by the layer whose name they begin with. */
function layersOf({ subject: { model } }: Workbench): readonly LayerTensors[] {
  const groups = new Map<string, TensorSpec[]>();
  for (const spec of model.layout.parameters) {
    if (spec.frozen) continue;
    const layer = spec.name.slice(0, spec.name.lastIndexOf('.'));
    groups.set(layer, [...(groups.get(layer) ?? []), spec]);
  }
  return [...groups].map(([layer, tensors]) => ({ layer, tensors }));
}

function norm(vectors: readonly Float32Array[]): number {
  return Math.sqrt(
    vectors.reduce((sum, vector) => vector.reduce((inner, value) => inner + value * value, sum), 0),
  );
}

async function apartFromReference(
  bench: Workbench,
  measured: readonly Measured[],
): Promise<{ readonly layer: string; readonly distance: number } | undefined> {
  if (!bench.subject.computing.loadReference) return undefined;
  const [mine, other] = [await probeOf(bench), await referenceProbeOf(bench)];
  return measured
    .map(({ layer, tensors }) => ({
      layer,
      distance: relativeDistance(
        valuesOf(mine.gradient.gradientSum, tensors),
        valuesOf(other.gradient.gradientSum, tensors),
      ),
    }))
    .find(({ distance }) => distance > TOLERANCE);
}

function valuesOf(vector: Float32Array, tensors: readonly TensorSpec[]): readonly number[] {
  return tensors.flatMap((spec) => [...tensorView(vector, spec)]);
}
