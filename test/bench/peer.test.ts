/** How `npm run bench` calls its PyTorch peer, with a Node script in the place of Python's. */

import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { findPeer, measurePeer } from '../../bench/peer.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const PEER = fileURLToPath(new URL('../../bench/peers/pytorch_ddp.py', import.meta.url));

it('the peer is in this repository', () => {
  expect(existsSync(PEER)).toBe(true);
});

it('a run names the network, the workers, the batch, the steps and the layout, and reads one JSON object', async () => {
  const script = path.join(temporaryFolder(), 'peer.mjs');
  writeFileSync(
    script,
    `const told = process.argv.slice(2).join(' ').replace(/--port \\d+/, '--port N');
    const wanted = '--depth 20x4 --workers 2 --global-batch 128 --steps 3 --port N --channels-last';
    if (told !== wanted || process.env.OMP_NUM_THREADS !== '1') throw new Error(told);
    console.log(JSON.stringify({ imagesPerSecond: 7.5 }));`,
  );
  const description = { torch: '', python: '', script: '', scriptSha256: '' };
  const options = {
    network: '20x4',
    workers: 2,
    globalBatch: 128,
    steps: 3,
    setting: 'channels-last',
  } as const;
  expect(await measurePeer({ script, python: process.execPath, description }, options)).toBe(7.5);
});

it('says what to do where the script or torch is missing', async () => {
  expect(await findPeer('/no/such/script.py', 'python3')).toEqual({
    missing: expect.stringMatching(/script\.py does not exist.*--peer/) as string,
  });
  expect(await findPeer(PEER, process.execPath)).toEqual({
    missing: expect.stringMatching(/torch cannot be imported.*--python or LOCKSTEP_PEER_PYTHON/) as string,
  });
});
