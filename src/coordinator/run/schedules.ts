/** The names of the learning-rate schedules; training/learningRate.ts has what they compute. */

export const SCHEDULE_NAMES = ['multistep', 'cosine', 'triangular', 'onecycle', 'constant'] as const;

/** The rate of each step depends on the number of epochs: a resumed run must keep it. */
export const SCHEDULES_OVER_ALL_EPOCHS: readonly (typeof SCHEDULE_NAMES)[number][] = [
  'cosine',
  'triangular',
  'onecycle',
];
