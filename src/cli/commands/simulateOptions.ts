/** The options of `lockstep simulate`, and the plan that follows from them. */

import { RECIPE_OPTIONS } from '../../coordinator/index.js';
import { FIXED_DATASETS, formatOf, imageByteCount } from '../../data/index.js';
import { flagName } from '../../foundation/commandLine.js';
import { LockstepError } from '../../foundation/errors.js';
import {
  integer,
  limit,
  number,
  oneOf,
  seconds,
  text,
  variant,
} from '../../foundation/options/definition.js';
import type { ValuesOf } from '../../foundation/options/definition.js';
import type { TextForm } from '../../foundation/options/kind.js';
import { LARGEST_MICRO_BATCH, MOST_THREADS } from '../../protocol/index.js';
import { jsonSetting, requestNetwork } from '../../session/index.js';
import {
  betweenStepsMs,
  bytesPerMs,
  gradientBytes,
  MEASURED_COSTS,
  milliseconds,
  NO_LIMIT,
  parameterBytes,
  receivingMs,
  relaysForFanOut,
  sendingMs,
  slowNodes,
  USUAL_UNEVEN_SHARES,
} from '../../simulate/index.js';
import type { ClusterPlan, MessageCosts, Sizes } from '../../simulate/index.js';
import { readNetwork } from '../options/trainingOptions.js';

const MOST_NODES = 20_000;
/** A node takes micro-batches up to this index. */
const MOST_MICRO_BATCHES = 65_536;
const WARM_UP_STEPS = 3;

const RATE: TextForm = {
  matches: (given) => bytesPerMs(given) !== undefined,
  rule: `a rate such as 1Gbit, 100Mbit/s or 125MB/s, or ${NO_LIMIT}`,
};
const TIME: TextForm = {
  matches: (given) => milliseconds(given) !== undefined,
  rule: 'a time with its unit, such as 0.2ms, 100us or 1s',
};
const SLOW: TextForm = {
  matches: (given) => slowNodes(given) !== undefined,
  rule: 'NODES:FACTOR, such as 3:2.5',
};

const cluster = { group: 'Cluster' } as const;
const rate = { ...cluster, placeholder: 'rate', form: RATE } as const;

export const SIMULATE_SETTINGS = {
  nodes: integer({ ...cluster, min: 1, max: MOST_NODES, default: 16, help: 'nodes that compute' }),
  threads: integer({
    ...cluster,
    min: 1,
    max: MOST_THREADS,
    default: 1,
    help: 'workers (threads) of a node',
  }),
  relays: integer({
    ...{ ...cluster, min: 0, max: MOST_NODES, default: 0 },
    help: 'relays between the coordinator and the nodes; 0: a star',
  }),
  fanOut: limit({
    ...{ ...cluster, min: 2, max: MOST_NODES, example: '32' },
    help: 'instead of --relays: add levels of relays until nothing has more nodes or relays attached',
  }),
  bandwidth: text({ ...rate, default: '1Gbit', help: 'of the network card of a node or relay, each way' }),
  coordinatorBandwidth: text<string | undefined>({
    ...{ ...rate, default: undefined, defaultText: 'as --bandwidth', example: '10Gbit' },
    help: "of the coordinator's network card, each way",
  }),
  relayBandwidth: text<string | undefined>({
    ...{ ...rate, default: undefined, defaultText: 'as --bandwidth', example: '10Gbit' },
    help: "of a relay's network card, each way",
  }),
  latency: text({
    ...cluster,
    placeholder: 'time',
    form: TIME,
    default: '0.1ms',
    help: 'of the network, one way',
  }),
  computeMs: number({
    ...{ ...cluster, above: 0, default: 70 },
    help: 'milliseconds in which a worker computes a micro-batch (the pace of a training shows it)',
  }),
  computeSpread: number({
    ...{ ...cluster, min: 0, below: 3, default: 0.05 },
    help: 'how much that varies: the deviation of its logarithm',
  }),
  slow: text<string | undefined>({
    ...{ ...cluster, placeholder: 'nodes:factor', form: SLOW, default: undefined, example: '3:2.5' },
    help: 'so many nodes take so many times as long',
  }),
  failRate: number({ ...cluster, min: 0, default: 0, help: 'times that a node dies in an hour, on average' }),
  returnAfter: seconds({ ...cluster, min: 0, default: 10, help: 'how long a node that has died stays away' }),
  coordinatorCpuMs: variant(number({ ...cluster, above: 0, default: 2, help: '' }), {
    default: undefined,
    help: "milliseconds of the coordinator's processor for a gradient: receive and add it, send weights and an item (default: as measured, docs/scale.md); relays and nodes in proportion",
  }),
  model: RECIPE_OPTIONS.model,
  dataset: oneOf({
    ...{ group: 'Data', of: FIXED_DATASETS, default: 'cifar10' },
    help: 'data set whose images are sent',
  }),
  batchSize: limit({
    ...{ group: 'Batches', min: 1, example: '1024' },
    help: 'images a step; none: a micro-batch for each worker',
  }),
  microBatch: variant(RECIPE_OPTIONS.microBatch, { default: 32, help: 'images of a work item' }),
  wire: variant(RECIPE_OPTIONS.wire, {
    default: 'float32',
    help: 'form in which gradients travel: bfloat16 takes half the bytes of float32, int8 a quarter; both send weights as bfloat16',
  }),
  steps: integer({
    group: 'Run',
    min: 1,
    max: 10_000,
    default: 20,
    help: 'steps to simulate, after 3 that do not count',
  }),
  seed: integer({
    group: 'Run',
    min: 0,
    default: 1,
    help: 'of what varies: the same seed gives the same figures',
  }),
  json: jsonSetting('print the figures as JSON'),
};

export type SimulateSettings = ValuesOf<typeof SIMULATE_SETTINGS>;

/** @throws LockstepError E_OPTION for options that contradict each other; E_MODEL */
export function planOf(settings: SimulateSettings): ClusterPlan {
  const { nodes, threads, microBatch, computeMs, computeSpread, steps, seed } = settings;
  const batchSize = settings.batchSize ?? nodes * threads * microBatch;
  checkBatch(batchSize, microBatch, settings.batchSize !== null);
  const relays = relaysOf(settings);
  const { bandwidth, coordinatorBandwidth, relayBandwidth } = settings;
  const sizes = sizesOf(settings);
  return {
    ...{ nodes, threads, relays, batchSize, microBatch, computeMs, computeSpread, sizes, steps, seed },
    bytesPerMs: {
      node: bytesPerMs(bandwidth)!,
      relay: bytesPerMs(relayBandwidth ?? bandwidth)!,
      coordinator: bytesPerMs(coordinatorBandwidth ?? bandwidth)!,
    },
    latencyMs: milliseconds(settings.latency)!,
    slow: slowOf(settings),
    failures: { perNodeHour: settings.failRate, awayMs: settings.returnAfter * 1000 },
    costs: costsOf(settings.coordinatorCpuMs, sizes, microBatch),
    betweenStepsMs: betweenStepsMs(sizes.parameterCount),
    warmUpSteps: WARM_UP_STEPS,
    unevenShares: USUAL_UNEVEN_SHARES,
    nodesPerProcess: 1,
  };
}

function sizesOf({ model, dataset, wire }: SimulateSettings): Sizes {
  const network = requestNetwork(readNetwork(model), 0).forData(dataset, formatOf(dataset));
  const { parameterCount, statisticCount } = network.layout;
  return { parameterCount, statisticCount, imageBytes: imageByteCount(network.inputShape), wire };
}

function relaysOf({ nodes, threads, relays, fanOut }: SimulateSettings): readonly number[] {
  if (fanOut !== null && relays > 0) {
    throw refusal(
      `--fan-out ${fanOut} and --relays ${relays} both say how many relays there are; give one of them`,
    );
  }
  if (relays > nodes) {
    throw refusal(
      `--relays ${relays} are more than --nodes ${nodes}, so some would have no node; give fewer`,
    );
  }
  const levels = fanOut === null ? [relays].filter((count) => count > 0) : relaysForFanOut(nodes, fanOut);
  const [first] = levels;
  const workers = first === undefined ? 0 : Math.ceil(nodes / first) * threads;
  if (workers <= MOST_THREADS) return levels;
  throw refusal(
    `${workers} workers behind one relay are more than a relay tells its coordinator of, ${MOST_THREADS}; give more relays, or a larger --fan-out`,
  );
}

function slowOf({ nodes, slow }: SimulateSettings): ClusterPlan['slow'] {
  const given = slow === undefined ? { nodes: 0, factor: 1 } : slowNodes(slow)!;
  if (given.nodes <= nodes) return given;
  throw refusal(`--slow ${slow} names more nodes than the ${nodes} of the cluster; name fewer`);
}

/** The measured ones, in proportion if another cost of a gradient is given. */
function costsOf(gradientMs: number | undefined, sizes: Sizes, microBatch: number): MessageCosts {
  if (gradientMs === undefined) return MEASURED_COSTS;
  const measuredMs =
    receivingMs(MEASURED_COSTS, gradientBytes(sizes)) +
    sendingMs(MEASURED_COSTS, parameterBytes(sizes)) +
    sendingMs(MEASURED_COSTS, microBatch * sizes.imageBytes);
  const factor = gradientMs / measuredMs;
  const { perMessageMs, perMegabyteInMs, perMegabyteOutMs } = MEASURED_COSTS;
  return {
    perMessageMs: perMessageMs * factor,
    perMegabyteInMs: perMegabyteInMs * factor,
    perMegabyteOutMs: perMegabyteOutMs * factor,
  };
}

function checkBatch(batchSize: number, microBatch: number, isGiven: boolean): void {
  if (isGiven && microBatch > batchSize) {
    throw refusal(
      `${flagName('microBatch')} ${microBatch} must not exceed ${flagName('batchSize')} ${batchSize}; for example ${flagName('microBatch')} ${Math.min(batchSize, LARGEST_MICRO_BATCH)}`,
    );
  }
  const items = Math.ceil(batchSize / microBatch);
  if (items <= MOST_MICRO_BATCHES) return;
  throw refusal(
    `${items} micro-batches a step are more than ${MOST_MICRO_BATCHES}; give larger ones, or a smaller batch`,
  );
}

function refusal(message: string): LockstepError {
  return new LockstepError('E_OPTION', message);
}
