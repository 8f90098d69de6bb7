/** Every fault that can be injected. `kind` discriminates; the other fields are all that a scenario may choose. */

export type Fault =
  /** SIGKILL to a node when its micro-batch is on its way, being computed, or answered. */
  | { readonly kind: 'worker-killed'; readonly when: 'before' | 'during' | 'after' }
  | { readonly kind: 'worker-killed-validating' }
  | { readonly kind: 'worker-killed-twice' }
  /** SIGSTOP in mid-work, SIGCONT when another has done the work. */
  | { readonly kind: 'worker-frozen' }
  /** Both nodes frozen until the heartbeat gives them up, then thawed. */
  | { readonly kind: 'workers-frozen-long' }
  /** Runs a tenth of the time, from the first step to the last. */
  | { readonly kind: 'worker-slow'; readonly factor: number }
  /** SIGTERM in mid-work: what was begun is handed in. */
  | { readonly kind: 'worker-drained' }
  | { readonly kind: 'network-cut' }
  /** The only link swallows all bytes, and tells neither side. */
  | { readonly kind: 'network-half-open' }
  | { readonly kind: 'network-delayed'; readonly fromMs: number; readonly toMs: number }
  | { readonly kind: 'network-throttled'; readonly bytesPerSecond: number }
  /** The node comes back before the answer that it sent on the old connection arrives. */
  | { readonly kind: 'network-reordered' }
  | { readonly kind: 'network-cut-within-frame'; readonly of: 'result' | 'parameters' }
  /** A node that lies, among honest ones. */
  | { readonly kind: 'hostile-node'; readonly misdeed: Misdeed; readonly times: number }
  /** SIGKILL at a point of the nth write of a checkpoint. */
  | { readonly kind: 'coordinator-killed-saving'; readonly at: CrashPoint }
  | { readonly kind: 'coordinator-killed'; readonly times: number; readonly workers: 'threads' | 'nodes' }
  /** Killed, and then its last checkpoint is damaged. */
  | { readonly kind: 'checkpoint-damaged'; readonly how: 'truncated' | 'bit-flipped' }
  /** No room from a step on, until a checkpoint could not be saved. */
  | { readonly kind: 'disk-full' }
  /** From the start, or from a step on to the end of the run. */
  | { readonly kind: 'read-only-folder'; readonly when: 'from-the-start' | 'in-mid-run' }
  /** Wall clock thrown back and forth by up to `hours`. */
  | { readonly kind: 'clock-jumps'; readonly of: 'coordinator' | 'worker'; readonly hours: number }
  | { readonly kind: 'join-storm'; readonly nodes: number }
  | { readonly kind: 'leave-storm'; readonly nodes: number }
  | { readonly kind: 'everyone-gone-and-back' }
  /** Of a relay: killed for good, killed and started again, frozen until its work was redone, or its line is cut. */
  | { readonly kind: 'relay'; readonly harm: 'killed' | 'restarted' | 'frozen' | 'cut' };

/** What a hostile node does with its answer. Contents that are not its own are finite numbers, made up. */
export const MISDEEDS = [
  'duplicate',
  'stale',
  'future',
  'foreign',
  'nan',
  'infinite',
  'wrong-length',
  'wrong-step',
  'wrong-count',
  'undecodable',
  'silent',
] as const;
export type Misdeed = (typeof MISDEEDS)[number];

/** Where a process dies while it writes a file in the folder of checkpoints; `read-back` is just before the renaming. */
export const CRASH_POINTS = ['opened', 'half-written', 'written', 'synced', 'read-back', 'renamed'] as const;
export type CrashPoint = (typeof CRASH_POINTS)[number];

export interface Scenario {
  readonly name: string;
  readonly fault: Fault;
  /** Decides the step, and whatever else the fault draws. */
  readonly seed: number;
}
