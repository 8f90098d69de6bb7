import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { gpuWorkerSpecs, resolveGpuWorkers } from '../../../../src/cli/process/gpus/workers.js';
import { rejectionOf } from '../../../support/errors.js';

const WORKERS = {
  gpus: [0, 1].map((index) => ({ index, name: 'T4', uuid: `GPU-${index}` })),
  engine: 'simd',
  numerics: 'simd',
} as const;

function argumentsOf(name?: string, more: readonly string[] = []): string[] {
  const specs = gpuWorkerSpecs(WORKERS, { url: 'ws://127.0.0.1:1/', token: 'secret', name, more });
  return specs.map(({ args }) => args.slice(1).join(' '));
}

describe('the process of a GPU', () => {
  it('computes in the class that was asked for, under the name that was given', () => {
    expect(argumentsOf('left', ['--heartbeat-timeout', '30'])).toEqual(
      [0, 1].map(
        (index) =>
          `worker ws://127.0.0.1:1/ --engine simd --numerics simd --name left:gpu${index} --heartbeat-timeout 30`,
      ),
    );
    expect(argumentsOf()[1]).toContain(`--name ${hostname()}:gpu1`);
  });

  it.each([
    [{ engine: 'webgpu', numerics: 'auto' }, /--engine webgpu does not use/],
    [{ engine: 'auto', numerics: 'auto', device: '0' }, /--device 0, of --engine webgpu, does not use/],
    [
      { engine: 'auto', numerics: 'auto', precision: 'f16' },
      /--precision f16, of --engine webgpu, does not use/,
    ],
  ] as const)('cannot have %j', async (requested, message) => {
    const error = await rejectionOf('E_OPTION', resolveGpuWorkers('all', requested));
    expect(error.message).toMatch(message);
    expect(error.message).toContain('leave one of them out');
  });
});
