/**
 * Every error code, provoked: one row a code, which the compiler demands. What comes of it is told as the command line
 * tells it, and compared with docs/errors.md.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import { main, report } from '../../src/cli/main.js';
import { RunFolder, train } from '../../src/coordinator/index.js';
import type { Recipe } from '../../src/coordinator/index.js';
import { listen } from '../../src/coordinator/server/server.js';
import { downloadCifar10 } from '../../src/data/index.js';
import { chooseEngine, ENGINE_FACTORIES } from '../../src/engine/index.js';
import { syntheticData, train as trainInProgram } from '../../src/index.js';
import { invariant, LockstepError } from '../../src/foundation/errors.js';
import type { ErrorCode } from '../../src/foundation/errors.js';
import { decodeNodeMessage, encodeMessage } from '../../src/protocol/index.js';
import type { CoordinatorChannel } from '../../src/protocol/index.js';
import { serveCoordinator } from '../../src/worker/index.js';
import { analyticNode, honest, resultOf } from '../support/analyticNode.js';
import { failed, hello } from '../support/messages.js';
import { recipe } from '../support/recipes.js';
import { ScriptedNode } from '../support/scriptedNode.js';
import { newMemory } from '../../src/foundation/wasm/host.js';
import { withoutAddressSpace } from '../support/noAddressSpace.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { testRun } from '../support/trainingRun.js';
import { DESCRIPTION, FakePool } from '../worker/fakePool.js';

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

/** How each code comes about: a call that rejects, or arguments of the command line. */
const PROVOCATIONS: Readonly<Record<ErrorCode, readonly string[] | (() => unknown)>> = {
  E_OPTION: ['train', '--batch-size', '100', '--micro-batch', '32'],
  E_MODEL: () => {
    const file = path.join(temporaryFolder(), 'own.json');
    writeFileSync(file, '{ "layers": [] }');
    return commandLine('model', file);
  },
  E_DATA_MISSING: ['data', 'show', '--data-dir', path.join('no', 'such', 'folder')],
  E_DATA_CORRUPT: () => {
    const folder = path.join(temporaryFolder(), 'cifar-10-batches-bin');
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'data_batch_1.bin'), 'too short');
    return commandLine('data', 'show', '--data-dir', folder);
  },
  E_DATA_DOWNLOAD: () =>
    downloadCifar10({
      dataDir: path.join(temporaryFolder(), 'data'),
      archive: { url: 'http://127.0.0.1:1/archive.tar.gz', md5: '', byteCount: 1, batchByteCount: 1 },
    }),
  E_STOPPED: () => trainInProgram({ data: syntheticData(), signal: AbortSignal.abort() }),
  E_ENGINE_UNAVAILABLE: () => {
    for (const factory of ENGINE_FACTORIES) {
      const refusal = { available: false, reason: 'not today', remedy: 'wait' } as const;
      vi.spyOn(factory, 'availability').mockResolvedValue(refusal);
    }
    return chooseEngine('auto');
  },
  E_SETUP: () => {
    vi.stubEnv('PATH', '');
    return commandLine('setup', 'tensorflow', '--source', 'wheel', '--dir', temporaryFolder());
  },
  E_ENGINE_FAILED: async () => {
    const { run, fleet } = await testRun();
    const node = new ScriptedNode(fleet, { local: true });
    node.onMessage = (message) => {
      if (message.type === 'work') node.send(failed({ round: message.step, index: message.microBatch }));
    };
    node.send(hello());
    await train(run);
  },
  E_RESOURCES: () => {
    withoutAddressSpace();
    newMemory(1, 1);
  },
  E_RUN_EXISTS: async () => {
    const folder = await runOf({ maxSteps: 1 });
    await commandLine('train', '--dataset', 'synthetic', '--run-dir', folder);
  },
  E_RUN_COMPLETE: async () => commandLine('train', '--resume', await runOf({ maxSteps: 1 })),
  E_CHECKPOINT: async () => {
    const folder = await runOf({ maxSteps: 1 });
    for (const name of ['last', 'previous']) {
      writeFileSync(path.join(folder, 'checkpoints', `${name}.safetensors`), 'damaged');
    }
    await commandLine('train', '--resume', folder);
  },
  E_DIVERGED: async () => {
    const { run, fleet } = await testRun();
    analyticNode(fleet, {}, (item, state) =>
      item.type === 'work' ? { ...resultOf(item, state), lossSum: NaN } : honest(item, state),
    );
    await train(run);
  },
  E_NO_WORKERS: async () => train((await testRun({ waitTimeoutMs: 1 })).run),
  E_LAUNCH: ['launch', '--rank', '1'],
  E_LISTEN: async () => {
    const first = await listen(DOOR);
    onTestFinished(() => first.close());
    await listen({ ...DOOR, port: Number(new URL(first.url).port) });
  },
  E_REFUSED: async () => {
    const server = await listen({ ...DOOR, token: 'right' });
    onTestFinished(() => server.close());
    await serve(`${server.url}/lockstep`, 'wrong');
  },
  E_PROTOCOL: () => decodeNodeMessage(Uint8Array.of(0xc1)),
  E_LIMIT: async () => {
    const reason = await new Promise<string>((resolve, reject) => {
      const onChannel = (channel: CoordinatorChannel): void =>
        channel.open({ onMessage: () => undefined, onClose: resolve });
      listen({ ...DOOR, onChannel }).then((server) => {
        onTestFinished(() => server.close());
        const socket = new WebSocket(`${server.url}/lockstep`);
        socket.on('open', () => {
          for (let count = 0; count < 200; count++) socket.send(encodeMessage({ type: 'drain' }));
        });
      }, reject);
    });
    const [, code, why] = /^(E_[A-Z]+): (.*)$/.exec(reason)!; // it is told as the reason for which a node left
    throw new LockstepError(code as ErrorCode, why!);
  },
  E_CONNECTION: () => serve('ws://127.0.0.1:1/lockstep', undefined),
  E_IO: () => {
    const file = path.join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    return RunFolder.create(path.join(file, 'run'), recipe());
  },
  E_INTERNAL: () => invariant(undefined, 'something that must be there is not'),
};

const DOOR = {
  host: '127.0.0.1',
  port: 0,
  token: undefined,
  tls: undefined,
  insecure: false,
  maxFrameBytes: 1000,
  onChannel: () => undefined,
} as const;

function serve(url: string, token: string | undefined): Promise<string> {
  return serveCoordinator({
    url: new URL(url),
    token,
    pool: new FakePool(1).asPool,
    description: DESCRIPTION,
    nodeName: 'a node',
    retryForMs: 0,
    signal: new AbortController().signal,
    onStatus: () => undefined,
  });
}

/** The folder of a run that ended. */
async function runOf(change: Partial<Recipe>): Promise<string> {
  const { run, fleet } = await testRun({ recipe: change });
  analyticNode(fleet);
  await train(run);
  run.storage.folder.close();
  return run.storage.folder.folder;
}

/** Throws what the command line was told to tell. */
async function commandLine(...args: readonly string[]): Promise<never> {
  const told = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
  await main(args);
  const lines = told.mock.calls.map(([text]) => String(text)).join('');
  vi.restoreAllMocks();
  return throwTold(lines);
}

/** Throws what a program said on its way out. */
function throwTold(lines: string): never {
  const [, message, code] = /^lockstep: (.*) \[(E_[A-Z_]+)\]\n$/s.exec(lines) ?? [];
  if (code === undefined) throw new Error(`the command line did not fail as it should: ${lines}`);
  throw new LockstepError(code as ErrorCode, message!);
}

async function provoked(provocation: readonly string[] | (() => unknown)): Promise<unknown> {
  try {
    await (typeof provocation === 'function' ? provocation() : commandLine(...provocation));
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

/** From docs/errors.md: code to exit status. */
const documented = new Map(
  readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
    .split(/^## /m)
    .slice(1)
    .map((section) => [
      section.split('\n')[0]!.trim(),
      Number(/\*\*Exit status\.\*\* (\d+)/.exec(section)?.[1]),
    ]),
);

it('every documented code has a row here that provokes it', () => {
  expect(Object.keys(PROVOCATIONS).sort()).toEqual([...documented.keys()].sort());
});

it.each(Object.entries(PROVOCATIONS))(
  '%s is what comes, with the exit status of the docs',
  async (code, provocation) => {
    const error = await provoked(provocation);
    const out = vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
    const complaints = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
    const exitCode = report(error, true);
    const told = (spy: typeof out): string => spy.mock.calls.map(([text]) => String(text)).join('');
    const [forMachines, forPeople] = [told(out), told(complaints)];
    vi.restoreAllMocks();
    expect(JSON.parse(forMachines)).toMatchObject({ event: 'error', code });
    expect(forPeople).toMatch(new RegExp(`^lockstep: .* \\[${code}\\]\\n$`, 's'));
    expect(forPeople).not.toMatch(/\n\s+at /); // no stack trace for a user's mistake
    expect(exitCode).toBe(documented.get(code));
  },
);
