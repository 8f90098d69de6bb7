/** Runs bench/peers/pytorch_ddp.py, which trains the same networks with PyTorch: one process a worker, one thread each. */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { run } from './childProcess.js';

export const PEER_SETTINGS = ['contiguous', 'channels-last'] as const;
export type PeerSetting = (typeof PEER_SETTINGS)[number];

/** What to run. Its `description` is published, and so names no paths of this machine. */
export interface Peer {
  readonly script: string;
  readonly python: string;
  readonly description: {
    readonly torch: string;
    readonly python: string;
    readonly script: string;
    readonly scriptSha256: string;
  };
}

export type PeerSearch = { readonly found: Peer } | { readonly missing: string };

const PROBE =
  'import json, platform, torch; print(json.dumps([torch.__version__, platform.python_version()]))';

export async function findPeer(script: string, python: string): Promise<PeerSearch> {
  if (!existsSync(script)) {
    return { missing: `${script} does not exist; choose a script with --peer or LOCKSTEP_PEER_SCRIPT` };
  }
  try {
    const { stdout } = await run(python, ['-c', PROBE]);
    const [torch, version] = JSON.parse(stdout) as [string, string];
    const scriptSha256 = createHash('sha256').update(readFileSync(script)).digest('hex');
    const description = { torch, python: version, script: path.basename(script), scriptSha256 };
    return { found: { script, python, description } };
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n').at(-1) ?? '') : String(error);
    return {
      missing: `torch cannot be imported (${reason}); choose a Python that has torch with --python or LOCKSTEP_PEER_PYTHON`,
    };
  }
}

export interface PeerRunOptions {
  /** As the script names it: its depth, and its width if that is not 1, such as 20 or 20x4. */
  readonly network: string;
  readonly workers: number;
  readonly globalBatch: number;
  /** Steps to measure, after the script's own warm-up. */
  readonly steps: number;
  readonly setting: PeerSetting;
}

/** @returns images/s by the median of the measured steps */
export async function measurePeer({ script, python }: Peer, options: PeerRunOptions): Promise<number> {
  const { network, workers, globalBatch, steps, setting } = options;
  const { stdout } = await run(
    python,
    [
      script,
      ...['--depth', network, '--workers', String(workers)],
      ...['--global-batch', String(globalBatch), '--steps', String(steps)],
      ...['--port', String(await freePort())],
      ...(setting === 'channels-last' ? ['--channels-last'] : []),
    ],
    { OMP_NUM_THREADS: '1' },
  );
  const { imagesPerSecond } = JSON.parse(stdout) as { imagesPerSecond: number };
  return imagesPerSecond;
}

/** A free port, at which the peer's processes meet. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
