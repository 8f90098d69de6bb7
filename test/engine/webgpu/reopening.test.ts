/** An engine that is disposed of while its lost device is opened again; on Dawn's backend without a device. */

import { describe, expect, it } from 'vitest';
import type { EngineDescription } from '../../../src/engine/engine.js';
import { locateDawn, openAdapter } from '../../../src/engine/webgpu/dawn/dawn.js';
import { Session } from '../../../src/engine/webgpu/dawn/session.js';
import { WebgpuEngine } from '../../../src/engine/webgpu/webgpuEngine.js';
import { initialiseModel } from '../../../src/model/index.js';
import { rejectionOf } from '../../support/errors.js';
import { TINY_MODELS } from '../../support/tinyModels.js';

const url = locateDawn();
const MODEL = TINY_MODELS['dense alone']!;
const STATE = { ...initialiseModel(MODEL, 1), version: 1 };
const BATCH = { images: new Float32Array(5), labels: new Uint8Array(1) };
const DESCRIPTION: EngineDescription = {
  ...{ name: 'webgpu', device: 'none', numericsClass: 'webgpu/none', exact: false, versions: {} },
};

const open = async (): Promise<Session> =>
  Session.open((await openAdapter(url!, { backend: 'null', name: '' }))!);

/** A promise, and what settles it. */
function later<Value>() {
  let settle!: (value: Value | Promise<Value>) => void;
  const promise = new Promise<Value>((resolve) => (settle = resolve));
  return { promise, settle };
}

/** An engine that has lost its device, and asks for the next one. */
async function reopeningEngine() {
  const first = await open();
  const [asked, next] = [later<true>(), later<Session>()];
  const openSession = (): Promise<Session> => {
    asked.settle(true);
    return next.promise;
  };
  const engine = new WebgpuEngine(MODEL, { description: DESCRIPTION, openSession }, first);
  first.device.destroy();
  await first.device.lost;
  const gradient = engine.gradient(STATE, BATCH, [1, 2]);
  await asked.promise;
  return { engine, gradient, answer: next.settle };
}

describe.skipIf(url === undefined)('disposing of an engine while its device is opened again', () => {
  it('closes the new device, and `closed` waits for that', async () => {
    const { engine, gradient, answer } = await reopeningEngine();
    const refused = rejectionOf('E_ENGINE_FAILED', gradient);
    engine.dispose();
    const session = await open();
    let isClosed = false;
    void session.device.lost.then(() => (isClosed = true));
    answer(session);
    expect((await refused).message).toContain('is used after dispose()');
    expect(Session.memoryInUse).toEqual({ sessions: 0, buffers: 0, bytes: 0 });
    expect(engine.closed).toBeDefined();
    await engine.closed;
    expect(isClosed).toBe(true);
  });

  it('waits for no device that does not open', async () => {
    const { engine, gradient, answer } = await reopeningEngine();
    const failure = new Error('no device');
    const failed = expect(gradient).rejects.toBe(failure);
    engine.dispose();
    answer(Promise.reject(failure));
    await failed;
    await engine.closed;
    expect(Session.memoryInUse.sessions).toBe(0);
  });
});
