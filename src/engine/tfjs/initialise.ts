/** Common steps of opening a backend. */

import { commandLine } from '../../foundation/commandLine.js';
import { describeError, LockstepError } from '../../foundation/errors.js';
import { newMemory } from '../../foundation/wasm/host.js';
import type { EngineName } from '../engine.js';
import type { TensorFlow } from './backend.js';

/** Initialises a registered backend in this thread. @throws LockstepError E_ENGINE_UNAVAILABLE */
export async function initialiseBackend(
  tf: TensorFlow,
  registeredName: string,
  engineName: EngineName,
): Promise<void> {
  tf.env().set('PROD', true); // no advice on the console: the error below says it
  let cause: unknown;
  try {
    if (await tf.setBackend(registeredName)) return;
  } catch (error) {
    cause = error;
  }
  if (engineName === 'wasm') newMemory(1, 1); // reports a lack of address space: tfjs tells only the console
  throw new LockstepError(
    'E_ENGINE_UNAVAILABLE',
    `engine ${engineName} did not start: ${cause === undefined ? 'tfjs refused its backend' : describeError(cause)}; ` +
      `see which ones can run: ${commandLine('engines')}`,
    { cause },
  );
}
