/** The scenarios, a line each. */

import type { Fault, Scenario } from './faults.js';

const scenario = (name: string, fault: Fault, seed: number): Scenario => ({
  name,
  fault,
  seed,
});

/**
 * Wrong lengths and counts go on until the node is refused: an answer that comes after another's is not looked at.
 */
export const SCENARIOS: readonly Scenario[] = [
  scenario('worker killed before a micro-batch', { kind: 'worker-killed', when: 'before' }, 11),
  scenario('worker killed during a micro-batch', { kind: 'worker-killed', when: 'during' }, 12),
  scenario('worker killed after a micro-batch', { kind: 'worker-killed', when: 'after' }, 13),
  scenario('worker killed while it evaluates', { kind: 'worker-killed-validating' }, 14),
  scenario('worker killed twice', { kind: 'worker-killed-twice' }, 15),
  scenario('worker frozen, thawed when its work was redone', { kind: 'worker-frozen' }, 16),
  scenario('all workers frozen until they are given up', { kind: 'workers-frozen-long' }, 17),
  scenario('worker 10 times slower', { kind: 'worker-slow', factor: 10 }, 18),
  scenario('worker asked to leave in mid-work', { kind: 'worker-drained' }, 19),
  scenario('every worker gone, then back', { kind: 'everyone-gone-and-back' }, 20),
  scenario('join storm of 20 nodes', { kind: 'join-storm', nodes: 20 }, 21),
  scenario('leave storm of 20 nodes', { kind: 'leave-storm', nodes: 20 }, 22),

  scenario('relay killed', { kind: 'relay', harm: 'killed' }, 23),
  scenario('relay killed and started again', { kind: 'relay', harm: 'restarted' }, 24),
  scenario('relay frozen, thawed when its work was redone', { kind: 'relay', harm: 'frozen' }, 25),
  scenario('relay cut off', { kind: 'relay', harm: 'cut' }, 26),

  scenario('network cut', { kind: 'network-cut' }, 31),
  scenario('network half-open', { kind: 'network-half-open' }, 32),
  scenario('network delayed', { kind: 'network-delayed', fromMs: 20, toMs: 120 }, 33),
  scenario('network throttled', { kind: 'network-throttled', bytesPerSecond: 4_000_000 }, 34),
  scenario('network reordered by reconnection', { kind: 'network-reordered' }, 35),
  scenario('network cut within a result', { kind: 'network-cut-within-frame', of: 'result' }, 36),
  scenario('network cut within parameters', { kind: 'network-cut-within-frame', of: 'parameters' }, 37),

  scenario('duplicate results', { kind: 'hostile-node', misdeed: 'duplicate', times: 8 }, 41),
  scenario('stale results', { kind: 'hostile-node', misdeed: 'stale', times: 8 }, 42),
  scenario('results of a future step', { kind: 'hostile-node', misdeed: 'future', times: 8 }, 43),
  scenario("results of another's micro-batch", { kind: 'hostile-node', misdeed: 'foreign', times: 8 }, 44),
  scenario('gradients with NaN', { kind: 'hostile-node', misdeed: 'nan', times: 4 }, 45),
  scenario('infinite gradients', { kind: 'hostile-node', misdeed: 'infinite', times: 4 }, 46),
  scenario('gradients of a wrong length', { kind: 'hostile-node', misdeed: 'wrong-length', times: 1000 }, 47),
  scenario('gradients of a wrong step', { kind: 'hostile-node', misdeed: 'wrong-step', times: 4 }, 48),
  scenario('impossible sample counts', { kind: 'hostile-node', misdeed: 'wrong-count', times: 1000 }, 49),
  scenario('undecodable bytes', { kind: 'hostile-node', misdeed: 'undecodable', times: 3 }, 50),
  scenario('a node that never answers', { kind: 'hostile-node', misdeed: 'silent', times: 4 }, 51),

  scenario('coordinator killed: checkpoint opened', { kind: 'coordinator-killed-saving', at: 'opened' }, 61),
  scenario(
    'coordinator killed: checkpoint half written',
    { kind: 'coordinator-killed-saving', at: 'half-written' },
    62,
  ),
  scenario(
    'coordinator killed: checkpoint written, not synced',
    { kind: 'coordinator-killed-saving', at: 'written' },
    63,
  ),
  scenario('coordinator killed: checkpoint synced', { kind: 'coordinator-killed-saving', at: 'synced' }, 64),
  scenario(
    'coordinator killed: checkpoint read back, not renamed',
    { kind: 'coordinator-killed-saving', at: 'read-back' },
    65,
  ),
  scenario(
    'coordinator killed: checkpoint renamed',
    { kind: 'coordinator-killed-saving', at: 'renamed' },
    60,
  ),
  scenario('coordinator killed at 3 steps', { kind: 'coordinator-killed', times: 3, workers: 'threads' }, 66),
  scenario(
    'coordinator killed under its nodes',
    { kind: 'coordinator-killed', times: 2, workers: 'nodes' },
    67,
  ),
  scenario('last checkpoint truncated', { kind: 'checkpoint-damaged', how: 'truncated' }, 68),
  scenario('last checkpoint with one bit flipped', { kind: 'checkpoint-damaged', how: 'bit-flipped' }, 69),

  scenario('disk full for a while', { kind: 'disk-full' }, 71),
  scenario('folder read-only from the start', { kind: 'read-only-folder', when: 'from-the-start' }, 72),
  scenario('folder read-only from mid-run on', { kind: 'read-only-folder', when: 'in-mid-run' }, 73),
  scenario('clock of the coordinator jumps', { kind: 'clock-jumps', of: 'coordinator', hours: 48 }, 81),
  scenario('clock of a worker jumps', { kind: 'clock-jumps', of: 'worker', hours: 48 }, 82),
];
