/** Networks that no name makes, on real processes: a worker trains what it has never heard of. */

import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { killAll, readResult, run, start, temporaryFolder, until } from './support/lockstep.js';

const folder = temporaryFolder();
const at = (name: string): string => path.join(folder, name);
const OWN = at('own.json');
const RECIPE = [
  ...['--dataset', 'synthetic', '--train-limit', '96', '--val-size', '40', '--epochs', '2'],
  ...['--batch-size', '32', '--micro-batch', '8', '--seed', '5'],
];

beforeAll(() => {
  const layers = [
    { kind: 'convolution', name: 'first', channels: 6, stride: 2 },
    { kind: 'relu', name: 'bent' },
    { kind: 'convolution', name: 'second', channels: 10, stride: 2 },
    { kind: 'batch-normalisation', name: 'even' },
    { kind: 'relu', name: 'bent-again' },
    { kind: 'global-average-pool', name: 'pool' },
    { kind: 'dropout', name: 'drop', rate: 0.1 },
    { kind: 'dense', name: 'logits', channels: 10 },
  ];
  writeFileSync(
    OWN,
    JSON.stringify({ inputShape: { height: 32, width: 32, channels: 3 }, classCount: 10, layers }),
  );
});
afterEach(killAll);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function coordinated(name: string, threads: number): Promise<void> {
  const coordinator = start([
    ...['coordinator', ...RECIPE, '--model', OWN, '--run-dir', at(name), '--listen', '127.0.0.1:0'],
    ...['--min-workers', String(threads)],
  ]);
  const urlOf = (): string | undefined => /ws:\/\/127\.0\.0\.1:\d+/.exec(coordinator.output())?.[0];
  await until('the coordinator listens', () => urlOf() !== undefined);
  const worker = start(['worker', urlOf()!, '--threads', String(threads)]);
  expect(await coordinator.finished).toMatchObject({ exitCode: 0, stderr: '' });
  const { exitCode, stdout } = await worker.finished;
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/taking part in .* \(own\)/);
}

describe('a network in a file', () => {
  it('trains on workers that know no name of it, in the same bits with 1 and 3', async () => {
    await coordinated('one', 1);
    await coordinated('three', 3);
    const [one, three] = [readResult(at('one')), readResult(at('three'))];
    expect(one).toMatchObject({ stoppedBy: 'epochs', stepsCompleted: 6, exact: true });
    expect(three.weightsSha256).toBe(one.weightsSha256);
    expect(three.lastWeightsSha256).toBe(one.lastWeightsSha256);
  });

  it('lies in the run: it is resumed, evaluated and begun again without the file', async () => {
    const own = at('moved.json');
    cpSync(OWN, own);
    const local = ['--workers', '2'];
    const stopped = await run([
      'train',
      ...RECIPE,
      '--model',
      own,
      '--run-dir',
      at('a'),
      '--max-steps',
      '4',
      ...local,
    ]);
    expect(stopped).toMatchObject({ exitCode: 0, stderr: '' });
    const same = await run(['train', '--resume', at('a'), '--model', own, '--max-steps', '5', ...local]);
    expect(same).toMatchObject({ exitCode: 0, stderr: '' });
    writeFileSync(own, readFileSync(own, 'utf8').replace('"channels":6', '"channels":7'));
    const other = await run(['train', '--resume', at('a'), '--model', own, '--max-steps', '6', ...local]);
    expect(other.stderr).toMatch(/--model .*moved\.json contradicts the run .*\[E_OPTION\]/);
    rmSync(own);
    const resumed = await run(['train', '--resume', at('a'), '--max-steps', 'none', ...local]);
    expect(resumed).toMatchObject({ exitCode: 0, stderr: '' });
    const again = ['train', '--config', path.join(at('a'), 'config.json'), '--run-dir', at('b'), ...local];
    expect(await run(again)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(readResult(at('b')).weightsSha256).toBe(readResult(at('a')).weightsSha256);
    const evaluated = await run(['evaluate', at('a'), '--json', ...local]);
    expect(JSON.parse(evaluated.stdout)).toMatchObject({ model: 'moved', testSamples: 10_000 });
  });

  it('is refused before anything is started if it does not fit the data', async () => {
    const narrow = at('narrow.json');
    writeFileSync(narrow, readFileSync(OWN, 'utf8').replace('"width":32', '"width":28'));
    const refused = await run([
      'train',
      ...RECIPE,
      '--model',
      narrow,
      '--run-dir',
      at('c'),
      '--workers',
      '1',
    ]);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(/takes images of 32x28x3 .*synthetic are 32x32x3.*\[E_MODEL\]\n$/);
  });
});
