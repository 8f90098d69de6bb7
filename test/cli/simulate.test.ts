import { afterEach, describe, expect, it, vi } from 'vitest';
import { buildProgram } from '../../src/cli/main.js';
import { rejectionOf } from '../support/errors.js';

afterEach(() => vi.restoreAllMocks());

async function printedBy(...args: string[]): Promise<string> {
  let printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  await buildProgram().parseAsync(['simulate', ...args], { from: 'user' });
  vi.restoreAllMocks();
  return printed;
}

const SMALL = ['--nodes', '4', '--steps', '3', '--compute-spread', '0'];

describe('lockstep simulate', () => {
  it('prints the step, the load of each place, what limits it, and what to do', async () => {
    const text = await printedBy(...SMALL, '--bandwidth', '100Mbit', '--coordinator-bandwidth', '10Gbit');
    expect(text).toMatch(/^cluster +4 node\(s\), a star\n/);
    expect(text).toMatch(/\nbatch +128 images in micro-batches of 32, resnet20, float32\n/);
    expect(text).toMatch(/\nstep +\d+\.\d ms \(median\)/);
    expect(text).toMatch(/\nlimit +network (in|out) of a node, \d+ % of a step\n/);
    expect(text).toMatch(/\ncoordinator +\d+\.\d\d +\d+\.\d\d /);
    expect(text).toMatch(/\nThe network (in|out) of a node is the limit: .*\.\n$/);
  });

  it('prints the same as JSON, and the plan with it', async () => {
    const args = [
      ...SMALL,
      '--relays',
      '2',
      '--bandwidth',
      'unlimited',
      '--coordinator-cpu-ms',
      '3',
      '--json',
    ];
    const figures = JSON.parse(await printedBy(...args)) as Record<string, unknown>;
    expect(figures).toMatchObject({
      event: 'simulated',
      plan: { nodes: 4, relays: [2], batchSize: 128, bytesPerMs: { node: null, relay: null } },
      steps: 3,
      idealStepMs: 70,
      answersPerItem: 1,
    });
    expect(JSON.parse(await printedBy(...args))).toEqual(figures);
  });

  it.each([
    [
      ['--bandwidth', '1GBit'],
      /^--bandwidth 1GBit must be a rate such as .*; for example --bandwidth 1Gbit$/,
    ],
    [['--latency', '1'], /^--latency 1 must be a time with its unit/],
    [['--slow', '3'], /^--slow 3 must be NODES:FACTOR/],
    [['--slow', '17:2'], /^--slow 17:2 names more nodes than the 16 of the cluster/],
    [['--relays', '20'], /^--relays 20 are more than --nodes 16/],
    [['--relays', '2', '--fan-out', '4'], /both say how many relays/],
    [['--nodes', '10000', '--relays', '2'], /^5000 workers behind one relay are more than/],
    [['--batch-size', '16'], /^--micro-batch 32 must not exceed --batch-size 16/],
    [['--batch-size', '100000', '--micro-batch', '1'], /^100000 micro-batches a step are more than 65536/],
    [['--nodes', '0'], /^--nodes 0 must be an integer from 1 to 20000/],
  ])('refuses %j', async (args, message) => {
    const { message: told } = await rejectionOf('E_OPTION', printedBy(...args));
    expect(told).toMatch(message);
  });
});
