/** The node of the coordinator's own process. It uses the same conversation as a remote node, on a local channel. */

import type { EngineChoice, EngineDescription } from '../engine/index.js';
import { createLocalChannel } from '../protocol/index.js';
import type { CoordinatorChannel } from '../protocol/index.js';
import { ComputePool } from './computePool.js';
import type { PoolOptions } from './computePool.js';
import { Conversation } from './conversation.js';
import { newNodeSecret } from './nodeSecret.js';

export interface LocalNode {
  /** The coordinator's end of the channel. */
  readonly channel: CoordinatorChannel;
  readonly description: EngineDescription;
  /** Ends the threads. Close the channel first. */
  close(): Promise<void>;
}

/** What memories a run needs besides its engine's. Left out: those of the usual optimizer, and gradients in float32. */
type LocalMemories = Pick<PoolOptions, 'coordinatorMemories' | 'wire'>;

/**
 * Starts the threads and has one of them load the engine.
 * @throws LockstepError E_ENGINE_UNAVAILABLE if the engine cannot run here; E_RESOURCES
 */
export async function startLocalNode(
  engine: EngineChoice,
  threads: number,
  { coordinatorMemories = 1, wire }: LocalMemories = {},
): Promise<LocalNode> {
  const pool = new ComputePool(engine, threads, { coordinatorMemories, wire });
  try {
    const description = await pool.describe();
    const { coordinatorEnd, nodeEnd } = createLocalChannel('this process');
    new Conversation({ channel: nodeEnd, pool, description, nodeName: 'local', nodeSecret: newNodeSecret() });
    return { channel: coordinatorEnd, description, close: () => pool.close() };
  } catch (error) {
    await pool.close();
    throw error;
  }
}
