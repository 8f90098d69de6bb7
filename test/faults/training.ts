/** The training that every scenario disturbs: small, and whole — augmentation, dropout, validation, a best epoch. */

/** Steps of four micro-batches, the last step of an epoch smaller; the best epoch is not the last. */
export const RECIPE: readonly string[] = [
  ...['--dataset', 'synthetic', '--model', 'resnet8', '--engine', 'simd', '--seed', '1'],
  ...['--train-limit', '600', '--val-size', '250', '--epochs', '3'],
  ...[
    '--batch-size',
    '64',
    '--micro-batch',
    '16',
    '--dropout',
    '0.2',
    '--schedule',
    'onecycle',
    '--lr',
    '0.05',
  ],
];
export const SETTINGS: readonly string[] = ['--checkpoint-every', '4'];
export const STEPS = 30;
export const MICRO_BATCHES = 4;

/** Who computes: a run is compared with the undisturbed one of the same set-up. */
export type SetUp =
  /** `lockstep train` on two threads. */
  | 'threads'
  /** `lockstep coordinator` and one node, or two, behind a proxy each. */
  | 'one-node'
  | 'two-nodes'
  /** As `two-nodes`, but one is a relay, and has a node behind it. */
  | 'relay-and-node'
  /**
   * `lockstep coordinator` and nodes of the test's process, an honest host first: whatever holds the test up holds up all
   * who compute, so that the run is never over before the test acts.
   */
  | 'test-nodes'
  /** The soak: `lockstep coordinator` with a thread of its own, and two nodes behind a proxy each. */
  | 'thread-and-nodes';
