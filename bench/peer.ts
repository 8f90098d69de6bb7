/** PyTorch beside us: runs pytorch_ddp.py, which trains the same networks in one process a worker, one thread each. */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { run } from './childProcess.js';

export const PEER_SETTINGS = ['contiguous', 'channels-last'] as const;
export type PeerSetting = (typeof PEER_SETTINGS)[number];

/** What to run, and which versions it is. Places are left out of `description`, which is published. */
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
    return { missing: 'pytorch_ddp.py was not found; name it with --peer or LOCKSTEP_PEER_SCRIPT' };
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
      missing: `torch cannot be imported (${reason}); name another Python with --python or LOCKSTEP_PEER_PYTHON`,
    };
  }
}

export interface PeerRunOptions {
  /** Of the network: 6n + 2. */
  readonly depth: number;
  readonly workers: number;
  readonly globalBatch: number;
  /** Steps to measure; the script takes two before, to warm up. */
  readonly steps: number;
  readonly setting: PeerSetting;
}

/** @returns images/s by the median of the measured steps, as the script says */
export async function measurePeer({ script, python }: Peer, options: PeerRunOptions): Promise<number> {
  const { depth, workers, globalBatch, steps, setting } = options;
  const { stdout } = await run(
    python,
    [
      script,
      ...['--depth', String(depth), '--workers', String(workers)],
      ...['--global-batch', String(globalBatch), '--steps', String(steps)],
      ...['--port', String(await freePort())],
      ...(setting === 'channels-last' ? ['--channels-last'] : []),
    ],
    { OMP_NUM_THREADS: '1' },
  );
  const { imagesPerSecond } = JSON.parse(stdout) as { imagesPerSecond: number };
  return imagesPerSecond;
}

/** A port that nobody uses just now, for the peer's processes to meet at. */
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
