/** What is brought to the device again after something failed; on Dawn's backend without a device. */

import { expect, it } from 'vitest';
import { locateDawn, openAdapter } from '../../../src/engine/webgpu/dawn/dawn.js';
import { Session } from '../../../src/engine/webgpu/dawn/session.js';
import { WebgpuEngine } from '../../../src/engine/webgpu/webgpuEngine.js';
import { buildModel, initialiseModel } from '../../../src/model/index.js';

const url = locateDawn();

const open = async (): Promise<Session> =>
  Session.open((await openAdapter(url!, { backend: 'null', name: '' }))!);

it.skipIf(url === undefined)('never computes with weights that did not arrive', async () => {
  const model = buildModel('resnet8');
  const session = await open();
  const usual = session.stagingBuffer.bind(session);
  let asked = 0;
  // As where there is no memory for that of the weights: such a buffer is there, and refuses whatever is done with it.
  const stagingBuffer = (length: number): GPUBuffer =>
    ++asked > 1
      ? usual(length)
      : session.device.createBuffer({ size: 4 * length, usage: 0x10006, mappedAtCreation: true });
  Object.assign(session, { stagingBuffer });
  const description = {
    name: 'webgpu',
    device: 'none',
    numericsClass: 'webgpu/none',
    exact: false,
    versions: {},
  } as const;
  const engine = new WebgpuEngine(model, { description, openSession: open }, session);
  const state = { ...initialiseModel(model, 1), version: 1 };
  const batch = { images: new Float32Array(3072), labels: new Uint8Array(1) };
  for (let attempt = 0; attempt < 2; attempt++) {
    await expect(engine.gradient(state, batch, [1, 2])).rejects.toMatchObject({ code: 'E_ENGINE_FAILED' });
  }
  engine.dispose();
});
