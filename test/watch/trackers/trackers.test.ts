import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { Clearml, Mlflow, TrackerFeed, TrackerMemories } from '../../../src/watch/index.js';
import type { Tracker } from '../../../src/watch/index.js';
import { fakeClearml, fakeMlflow } from '../../support/fakeTrackers.js';
import { epochLine, makeRun, stepLine } from '../../support/runFolders.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

const START_MS = Date.parse('2026-01-01T00:00:00.000Z');
const ended = (stoppedBy: string): object => ({ event: 'run-finished', stoppedBy });
/** Only ends what would never end. */
const LIMIT = { timeout: 240_000 };

function newRun(...lines: readonly object[]): string {
  return makeRun(path.join(temporaryFolder(), 'run'), { lines });
}

function append(folder: string, ...lines: readonly object[]): void {
  const time = new Date(START_MS).toISOString();
  const text = lines.map((line) => `${JSON.stringify({ time, ...line })}\n`).join('');
  appendFileSync(path.join(folder, 'metrics.jsonl'), text);
}

const steps = (from: number, to: number): object[] =>
  Array.from({ length: to - from + 1 }, (_, index) => stepLine(from + index));

interface Session {
  readonly feed: TrackerFeed;
  readonly problems: string[];
}

function session(folder: string, tracker: Tracker, options: object = {}): Session {
  const problems: string[] = [];
  const memories = TrackerMemories.read(folder, () => undefined);
  const feed = new TrackerFeed({
    tracker,
    folder,
    run: { name: 'run', startedMs: START_MS, options: { lr: '0.1', model: 'resnet8' } },
    memory: memories.of('it'),
    remember: (memory) => memories.remember('it', memory),
    onProblem: (message) => void problems.push(message),
    sendEveryMs: 10,
    ...options,
  });
  return { feed, problems };
}

const mlflow = (url: string, token?: string): Mlflow =>
  new Mlflow({ url, experiment: 'cifar', secrets: token === undefined ? {} : { token } });

describe('MLflow', () => {
  it('gets the options, every value once, and the end', async () => {
    const fake = await fakeMlflow('Bearer s3cret');
    const folder = newRun(...steps(1, 3), epochLine(1, { validationLoss: null }));
    const { feed, problems } = session(folder, mlflow(`${fake.url}/`, 's3cret'));
    feed.on();
    const [run] = await expect
      .poll(() => [...fake.runs.values()], LIMIT)
      .toHaveLength(1)
      .then(() => [...fake.runs.values()]);
    append(folder, ...steps(11, 600));
    append(folder, ended('epochs'));
    await feed.finish();
    expect(problems).toEqual([]);
    expect(run).toMatchObject({ experiment: '7', name: 'run', status: 'FINISHED' });
    expect([...run!.params]).toEqual([
      ['lr', '0.1'],
      ['model', 'resnet8'],
    ]);
    const losses = run!.metrics.filter(({ key }) => key === 'loss/step');
    expect(losses.map(({ step }) => step)).toEqual([
      1,
      2,
      3,
      ...Array.from({ length: 590 }, (_, index) => index + 11),
    ]);
    expect(losses[1]).toEqual({ key: 'loss/step', value: 2, step: 2, timestamp: START_MS });
    expect(run!.metrics.filter(({ key }) => key === 'loss/validation')).toEqual([]);
    expect(run!.metrics.filter(({ key }) => key === 'accuracy/validation')).toHaveLength(1);
  });

  it('that is away loses nothing: it is tried again, and told of once', async () => {
    const fake = await fakeMlflow();
    fake.outage = 503;
    const folder = newRun(...steps(1, 5));
    const { feed, problems } = session(folder, mlflow(fake.url));
    feed.on();
    await expect.poll(() => fake.asked.length, LIMIT).toBeGreaterThan(1);
    append(folder, ...steps(6, 8));
    fake.outage = undefined;
    await feed.finish();
    expect(problems).toEqual([expect.stringContaining('answered 503')]);
    const [run] = [...fake.runs.values()];
    expect(run!.metrics.filter(({ key }) => key === 'loss/step').map(({ step }) => step)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8,
    ]);
    expect(run!.status).toBe('FAILED');
  });

  it('that stays away costs a run no more than the wait at its end; a resumed run sends what it lacks, to the same run', async () => {
    const fake = await fakeMlflow();
    const folder = newRun(...steps(1, 5));
    const first = session(folder, mlflow(fake.url));
    append(folder, ended('signal'));
    await first.feed.finish();
    expect([...fake.runs.values()][0]?.status).toBe('KILLED');
    const lines = readFileSync(path.join(folder, 'metrics.jsonl'), 'utf8').split('\n');
    writeFileSync(path.join(folder, 'metrics.jsonl'), `${lines.slice(0, 3).join('\n')}\n`); // resumed after step 3
    append(folder, ...steps(4, 7));
    fake.outage = 500;
    const away = session(folder, mlflow(fake.url), { finishMs: 50 });
    await away.feed.finish();
    expect(away.problems.at(-1)).toContain('not all values were sent');
    expect(away.problems.at(-1)).not.toContain('Training goes on');
    fake.outage = undefined;
    append(folder, ...steps(8, 9));
    const back = session(folder, mlflow(fake.url));
    append(folder, ended('epochs'));
    await back.feed.finish();
    expect(fake.runs.size).toBe(1);
    const [run] = [...fake.runs.values()];
    expect(run!.metrics.filter(({ key }) => key === 'loss/step').map(({ step }) => step)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9,
    ]);
    expect(run!.status).toBe('FINISHED');
  });

  it('repeats the secret: no notice shows it', async () => {
    const fake = await fakeMlflow('Bearer another');
    const folder = newRun(...steps(1, 2));
    const { feed, problems } = session(folder, mlflow(fake.url, 's3cret'), { finishMs: 300 });
    feed.on();
    await expect.poll(() => problems.length, LIMIT).toBeGreaterThan(0);
    await feed.finish();
    expect(problems[0]).toContain('answered 401: not allowed: Bearer …');
    expect(problems.join('\n')).not.toContain('s3cret');
  });
});

describe('ClearML', () => {
  it('gets the options, every value once, and the end; a session that is over is begun again', async () => {
    const fake = await fakeClearml('key', 'secret');
    const folder = newRun(...steps(1, 3), epochLine(1));
    const secrets = { accessKey: 'key', secretKey: 'secret' };
    const tracker = new Clearml({ url: fake.url, project: 'CIFAR (10)', secrets });
    const { feed, problems } = session(folder, tracker);
    feed.on();
    await expect.poll(() => fake.tasks.get('task0')?.events.length, LIMIT).toBeGreaterThan(0);
    fake.expire();
    append(folder, ...steps(11, 12));
    append(folder, ended('epochs'));
    await feed.finish();
    expect(problems).toEqual([]);
    const task = fake.tasks.get('task0')!;
    expect(task).toMatchObject({ name: 'run', project: 'project0', status: 'completed' });
    expect(task.hyperparams.get('model')).toBe('resnet8');
    const losses = task.events.filter(({ metric, variant }) => metric === 'loss' && variant === 'step');
    expect(losses.map(({ iter }) => iter)).toEqual([1, 2, 3, 11, 12]);
    expect(task.events[0]).toMatchObject({
      type: 'training_stats_scalar',
      task: 'task0',
      timestamp: START_MS,
    });

    const second = session(newRun(...steps(1, 1)), tracker);
    await second.feed.finish();
    expect(fake.tasks.get('task1')?.project).toBe('project0');
  });

  it('that refuses the keys is named, and the keys are not', async () => {
    const fake = await fakeClearml('key', 'secret');
    const secrets = { accessKey: 'key', secretKey: 'wr0ng' };
    const tracker = new Clearml({ url: fake.url, project: 'Lockstep', secrets });
    const { feed, problems } = session(newRun(...steps(1, 1)), tracker, { finishMs: 300 });
    feed.on();
    await expect.poll(() => problems.length, LIMIT).toBeGreaterThan(0);
    await feed.finish();
    expect(problems[0]).toContain('answered 401: wrong keys');
    expect(problems.join('\n')).not.toContain('wr0ng');
  });
});

describe.skipIf(process.platform === 'win32')('a trackers.json that is none', () => {
  it.each([
    ['a device without an end', (file: string) => symlinkSync('/dev/zero', file)],
    ['a pipe that nobody writes', (file: string) => void execFileSync('mkfifo', [file])],
    ['larger than any', (file: string) => writeFileSync(file, `{"it": ${' '.repeat(9 << 20)} 1}`)],
    ['a text', (file: string) => writeFileSync(file, '"it"')],
  ])('is as no file: %s', (_, make) => {
    const folder = newRun();
    make(path.join(folder, 'trackers.json'));
    expect(TrackerMemories.read(folder, () => undefined).of('it')).toBeUndefined();
  });
});
