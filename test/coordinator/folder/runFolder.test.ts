import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { writeFileAtomically } from '../../../src/coordinator/checkpoints/files.js';
import { RunFolder } from '../../../src/coordinator/folder/runFolder.js';
import { MOST_JSON_BYTES } from '../../../src/coordinator/index.js';
import { NETWORK_LIMITS, networkFrom } from '../../../src/model/index.js';
import { readRunConfig } from '../../../src/session/readRunConfig.js';
import type { CheckpointSnapshot } from '../../../src/coordinator/checkpoints/checkpointSnapshot.js';
import type { SaveOutcome } from '../../../src/coordinator/checkpoints/checkpointWriter.js';
import { rejectionOf, thrownBy } from '../../support/errors.js';
import { largeNetwork } from '../../support/largeNetwork.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

const FULL_DISK = '/dev/full'; // every write to it fails as if the disk were full; Linux only

async function newRun(config: unknown = { seed: 1 }): Promise<RunFolder> {
  const run = await RunFolder.create(path.join(temporaryFolder(), 'run'), config);
  onTestFinished(() => run.close());
  return run;
}

/** What is saved is a matter of the caller: here, some text. */
const content = (text: string, step = 1): CheckpointSnapshot => ({
  step,
  encode: () => Promise.resolve([Buffer.from(text)]),
});

/** Saves, and learns in the end what became of it. */
function save(run: RunFolder, name: 'last' | 'best', text: string): SaveOutcome[] {
  const outcomes: SaveOutcome[] = [];
  run.save(name, content(text), (outcome) => outcomes.push(outcome));
  return outcomes;
}

/** A run that was left with a checkpoint and some lines. */
async function interruptedRun(metrics: string): Promise<string> {
  const run = await newRun();
  save(run, 'last', 'weights');
  await run.flush();
  run.close();
  writeFileSync(path.join(run.folder, 'metrics.jsonl'), metrics);
  return run.folder;
}

const reopened = (folder: string): RunFolder => {
  const run = RunFolder.open(folder);
  onTestFinished(() => run.close());
  return run;
};

const linesOf = (run: RunFolder): string[] =>
  readFileSync(path.join(run.folder, 'metrics.jsonl'), 'utf8').split('\n').slice(0, -1);

const lockOf = (folder: string): string => path.join(folder, 'run.lock');

/** The lock of a process that is gone: its number is above the highest there is, proc(5). */
const DEAD = JSON.stringify({ pid: 2 ** 22 + 1 });

/** Compiled, so that another process can run it. */
const COMPILED = new URL('../../../dist/coordinator/folder/runFolder.js', import.meta.url);

/** Another process that has the run open, and works in it until it is killed. */
async function otherProcessIn(folder: string): Promise<ChildProcess> {
  const script = `import(process.argv[1]).then(({ RunFolder }) => {
    RunFolder.open(process.argv[2]);
    process.stdout.write('open');
    setInterval(() => undefined, 1000);
  });`;
  const child = spawn(process.execPath, ['-e', script, COMPILED.href, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

describe('a new run folder', () => {
  it('holds the configuration, and takes checkpoints, events and the result', async () => {
    const run = await newRun({ seed: 7, model: 'resnet8' });
    expect(await run.readConfig()).toEqual({ seed: 7, model: 'resnet8' });
    save(run, 'last', 'first');
    await run.flush();
    save(run, 'last', 'second');
    save(run, 'best', 'best');
    await run.flush();
    run.append({ event: 'notice', message: 'one' });
    run.append({ event: 'notice', message: 'two\nlines' });
    await run.writeResult({ stoppedBy: 'epochs', stepsCompleted: 4 } as never);
    expect(readFileSync(run.checkpointFile('last'), 'utf8')).toBe('second');
    expect(readFileSync(run.checkpointFile('best'), 'utf8')).toBe('best');
    expect(linesOf(run).map((line) => JSON.parse(line) as unknown)).toEqual([
      { time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string, event: 'notice', message: 'one' },
      expect.objectContaining({ message: 'two\nlines' }),
    ]);
    expect(await run.readResult()).toEqual({ stoppedBy: 'epochs', stepsCompleted: 4, testAccuracy: null });
    run.close();
    expect(readdirSync(run.folder).sort()).toEqual([
      'checkpoints',
      'config.json',
      'metrics.jsonl',
      'result.json',
    ]);
    expect(readdirSync(path.join(run.folder, 'checkpoints')).sort()).toEqual([
      'best.safetensors',
      'last.safetensors',
      'previous.safetensors',
    ]);
  });

  it('has no result before there is one', async () => {
    expect(await (await newRun()).readResult()).toBeUndefined();
  });

  it('may be made in an empty folder, and in parents that are not there yet', async () => {
    const parent = temporaryFolder();
    const empty = await RunFolder.create(parent, {});
    empty.close();
    const deep = await RunFolder.create(path.join(parent, 'a', 'b'), {});
    deep.close();
    expect(existsSync(path.join(parent, 'a', 'b', 'config.json'))).toBe(true);
  });

  it('is refused in a folder that holds anything else, which stays as it was', async () => {
    const folder = temporaryFolder();
    writeFileSync(path.join(folder, 'main.ts'), 'precious');
    thrownBy('E_RUN_EXISTS', () => RunFolder.refuseIfTaken(folder));
    const { message } = await rejectionOf('E_RUN_EXISTS', RunFolder.create(folder, {}));
    expect(message).toMatch(/is not empty \(main\.ts\).*with runDir/);
    const file = path.join(temporaryFolder(), 'package.json');
    writeFileSync(file, '{}');
    const ofFile = thrownBy('E_RUN_EXISTS', () => RunFolder.refuseIfTaken(file));
    expect(ofFile.message).toMatch(/package\.json is a file, .*choose a new or an empty one with runDir$/);
    expect(readdirSync(folder)).toEqual(['main.ts']);
  });

  it('may be made beside what file systems and tools put into any folder', async () => {
    const folder = temporaryFolder();
    mkdirSync(path.join(folder, 'lost+found'));
    writeFileSync(path.join(folder, '.gitkeep'), '');
    (await RunFolder.create(folder, {})).close();
  });

  it('is E_IO at a link that leads nowhere, in a file and in /proc', async () => {
    const folder = temporaryFolder();
    const link = path.join(folder, 'link');
    symlinkSync(path.join(folder, 'unplugged'), link);
    writeFileSync(path.join(folder, 'file'), '');
    const places = [link, path.join(link, 'run'), path.join(folder, 'file', 'run')];
    if (existsSync('/proc/self')) places.push('/proc/lockstep', '/proc/lockstep/run');
    for (const place of places) {
      const { message } = await rejectionOf('E_IO', RunFolder.create(place, {}));
      if (place.startsWith(link)) expect(message).toMatch(/is a link to .*unplugged, which does not exist/);
    }
  });

  it.each(['config.json', 'metrics.jsonl', 'result.json', 'checkpoints'])(
    'is refused where a run is already: %s is there',
    async (name) => {
      const folder = temporaryFolder();
      writeFileSync(path.join(folder, name), 'precious');
      const error = await rejectionOf('E_RUN_EXISTS', RunFolder.create(folder, {}));
      expect(error.message).toContain(folder);
      expect(error.message).toContain('runDir');
      expect(error.message).not.toContain('resume'); // which could not be followed
      expect(readFileSync(path.join(folder, name), 'utf8')).toBe('precious');
      expect(readdirSync(folder)).toEqual([name]);
    },
  );

  it.each([
    ['a lock', ['run.lock']],
    ['its checkpoints folder', ['checkpoints/', 'run.lock']],
    ['its configuration', ['checkpoints/', 'config.json.123.tmp', 'config.json', 'run.lock']],
    [
      'half a checkpoint',
      ['checkpoints/', 'checkpoints/last.safetensors.123.tmp', 'config.json', 'metrics.jsonl'],
    ],
  ])('may replace one that died before its first checkpoint, having made %s', async (_, remains) => {
    const folder = temporaryFolder();
    for (const name of remains) {
      const file = path.join(folder, name);
      if (name.endsWith('/')) mkdirSync(file);
      else writeFileSync(file, name === 'run.lock' ? DEAD : 'old');
    }
    writeFileSync(path.join(folder, 'notes.txt'), 'not of the run');
    RunFolder.refuseIfTaken(folder);
    const run = await RunFolder.create(folder, { seed: 2 });
    expect(await run.readConfig()).toEqual({ seed: 2 });
    expect(linesOf(run)).toEqual([]);
    run.close();
    expect(readdirSync(folder).sort()).toEqual(['checkpoints', 'config.json', 'metrics.jsonl', 'notes.txt']);
    expect(readdirSync(path.join(folder, 'checkpoints'))).toEqual([]);
  });

  it.each([
    ['a checkpoint', 'checkpoints/last.safetensors'],
    ['the best weights', 'checkpoints/best.safetensors'],
    ['a result', 'result.json'],
  ])('does not replace one that has left %s', async (_, name) => {
    const begun = await newRun();
    begun.close();
    writeFileSync(path.join(begun.folder, name), 'precious');
    thrownBy('E_RUN_EXISTS', () => RunFolder.refuseIfTaken(begun.folder));
    const { message } = await rejectionOf('E_RUN_EXISTS', RunFolder.create(begun.folder, { seed: 2 }));
    expect(message.includes(`resume ${begun.folder}`)).toBe(name.includes('last'));
    expect(readFileSync(path.join(begun.folder, name), 'utf8')).toBe('precious');
    expect(await begun.readConfig()).toEqual({ seed: 1 });
  });

  it('does not replace one that is about to write its first checkpoint', async () => {
    const begun = await newRun();
    thrownBy('E_RUN_EXISTS', () => RunFolder.refuseIfTaken(begun.folder));
    await rejectionOf('E_RUN_EXISTS', RunFolder.create(begun.folder, { seed: 2 }));
    begun.close();
    writeFileSync(lockOf(begun.folder), JSON.stringify({ pid: process.ppid }));
    await rejectionOf('E_RUN_EXISTS', RunFolder.create(begun.folder, { seed: 2 }));
    expect(await begun.readConfig()).toEqual({ seed: 1 });
  });

  it('leaves a configuration alone that no run has written', async () => {
    const folder = temporaryFolder();
    mkdirSync(path.join(folder, 'checkpoints'));
    writeFileSync(path.join(folder, 'config.json'), 'of something else');
    await rejectionOf('E_RUN_EXISTS', RunFolder.create(folder, {}));
    expect(readFileSync(path.join(folder, 'config.json'), 'utf8')).toBe('of something else');
  });

  it('is refused below a file, as E_IO', async () => {
    const file = path.join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    const error = await rejectionOf('E_IO', RunFolder.create(path.join(file, 'run'), {}));
    expect(error.message).toContain(file);
  });
});

describe('a run folder without a name of the user’s own', () => {
  it('is the first of its name that is free, however many want it at once', async () => {
    const name = path.join(temporaryFolder(), 'runs', 'now-resnet8-seed1');
    mkdirSync(`${name}-2`, { recursive: true });
    writeFileSync(`${name}-4`, 'a file of that name');
    const runs = await Promise.all(
      Array.from({ length: 5 }, (_, seed) => RunFolder.createUnder(name, { seed })),
    );
    for (const run of runs) run.close();
    expect(runs.map(({ folder }) => folder.slice(name.length)).sort()).toEqual(['', '-3', '-5', '-6', '-7']);
    for (const [seed, run] of runs.entries()) expect(await run.readConfig()).toEqual({ seed });
    expect(readdirSync(`${name}-2`)).toEqual([]);
  });
});

describe('a run that is opened again', () => {
  it('must have a checkpoint', async () => {
    const empty = temporaryFolder();
    for (const folder of [empty, path.join(empty, 'nothing')]) {
      expect(thrownBy('E_CHECKPOINT', () => RunFolder.open(folder)).message).toContain(
        'give resume the folder',
      );
    }
    const begun = await newRun();
    begun.close();
    thrownBy('E_CHECKPOINT', () => RunFolder.open(begun.folder));
    writeFileSync(begun.checkpointFile('last'), '');
    for (const within of [path.dirname(begun.checkpointFile('last')), begun.checkpointFile('last')]) {
      const { message } = thrownBy('E_CHECKPOINT', () => RunFolder.open(within));
      expect(message).toContain(`give the run that it is in: resume ${begun.folder}`);
    }
  });

  it('goes on after the lines that are there', async () => {
    const run = reopened(await interruptedRun('{"event":"step"}\n'));
    run.append({ event: 'notice', message: 'back' });
    expect(linesOf(run)).toEqual(['{"event":"step"}', expect.stringContaining('back')]);
  });

  it('takes out the lines of what is done again, and no others', async () => {
    const lines = [
      ...['{"event":"run-started","runDir":"x"}', '{"event":"step","step":1,"epoch":1}'],
      ...['{"event":"step","step":2,"epoch":1}', '{"event":"checkpoint","step":2,"file":"last"}'],
      ...['{"event":"epoch","epoch":1,"step":2}', '{"event":"step","step":3,"epoch":2}', 'no JSON'],
      ...['{"event":"checkpoint","step":4,"file":"best"}', '{"event":"notice","message":"step 4"}'],
      ...[
        '{"event":"epoch","epoch":2,"step":4}',
        `{"event":"worker-left","reason":"${'x'.repeat(200_000)}"}`,
      ],
      ...['{"event":"run-finished","stepsCompleted":4}', '{"event":"step","step":5,"epoch":3}'],
    ];
    const run = reopened(await interruptedRun(lines.map((line) => `${line}\n`).join('')));
    run.forgetMetricsAfter({ step: 2, epoch: 1 });
    const kept = lines.filter((_, index) => ![5, 7, 9, 11, 12].includes(index));
    expect(linesOf(run)).toEqual(kept);
    run.forgetMetricsAfter({ step: 2, epoch: 1 });
    run.append({ event: 'notice', message: 'back' });
    expect(linesOf(run)).toEqual([...kept, expect.stringContaining('back')]);
  });

  it('does so for an epoch whose last step is kept, but not its end', async () => {
    const lines = '{"event":"step","step":2}\n{"event":"epoch","epoch":1,"step":2}\n';
    const run = reopened(await interruptedRun(lines));
    run.forgetMetricsAfter({ step: 2, epoch: 0 });
    expect(linesOf(run)).toEqual(['{"event":"step","step":2}']);
  });

  it.each([
    ['of which half was written', '{"event":"st', []],
    ['that is broken off within a character', Buffer.from('{"event":"é').subarray(0, 11), []],
    ['of zeros, as a machine that loses power may leave', Buffer.alloc(5000), []],
    ['longer than what is read at a time', `{"a":"${'x'.repeat(200_000)}`, []],
    ['that lacks only its end', '{"event":"notice"}', ['{"event":"notice"}']],
  ])('cuts off a last line %s', async (_what, torn, kept) => {
    for (const whole of ['', '{"event":"step"}\n', `{"event":"step"}\n{"b":"${'y'.repeat(100_000)}"}\n`]) {
      const folder = await interruptedRun('');
      writeFileSync(
        path.join(folder, 'metrics.jsonl'),
        Buffer.concat([Buffer.from(whole), Buffer.from(torn)]),
      );
      const run = reopened(folder);
      run.append({ event: 'notice', message: 'back' });
      const lines = linesOf(run);
      expect(lines.slice(0, -1)).toEqual([...whole.split('\n').slice(0, -1), ...kept]);
      expect(JSON.parse(lines.at(-1)!)).toMatchObject({ message: 'back' });
    }
  });

  it('is rid of files that killed processes never finished, and of no others', async () => {
    const folder = await interruptedRun('');
    const unfinished = ['config.json.7.tmp', 'result.json.81.tmp', 'checkpoints/last.safetensors.7.tmp'];
    const others = ['notes.tmp', 'config.json.tmp', 'checkpoints/mine.7.tmp'];
    for (const name of [...unfinished, ...others]) writeFileSync(path.join(folder, name), 'x');
    reopened(folder);
    const left = [...unfinished, ...others].filter((name) => existsSync(path.join(folder, name)));
    expect(left).toEqual(others);
  });

  it('can be given another configuration, and rid of the result of its last session', async () => {
    const folder = await interruptedRun('');
    writeFileSync(path.join(folder, 'result.json'), '{"stoppedBy":"signal","stepsCompleted":1}');
    const run = reopened(folder);
    expect(await run.readResult()).toMatchObject({ stoppedBy: 'signal' });
    await run.removeResult();
    expect(await run.readResult()).toBeUndefined();
    await run.removeResult();
    await run.writeConfig({ seed: 1, epochs: 9 });
    expect(await run.readConfig()).toEqual({ seed: 1, epochs: 9 });
  });

  it('keeps the largest network there may be, in few bytes, and reads it indented as older versions wrote it', async () => {
    const folder = await interruptedRun('');
    const run = reopened(folder);
    const { description } = networkFrom(largeNetwork(0.95), 'large');
    const config = { seed: 1, model: 'large', network: description };
    await run.writeConfig(config);
    expect(statSync(run.configFile).size).toBeLessThan(NETWORK_LIMITS.textLength + 1000);
    expect(readFileSync(run.configFile, 'utf8')).toMatch(/^\{\n {2}"seed": 1,\n {2}"model": "large",\n/);
    expect(await run.readConfig()).toEqual(config);
    writeFileSync(run.configFile, JSON.stringify(config, null, 2));
    expect(await run.readConfig()).toEqual(config);
    expect((await readRunConfig(folder)).content).toEqual(config);
    await run.writeConfig({ network: { name: 'alone' } });
    expect(await run.readConfig()).toEqual({ network: { name: 'alone' } });
  });

  it('is not read if it is larger than any', async () => {
    const run = reopened(await interruptedRun(''));
    truncateSync(run.configFile, MOST_JSON_BYTES + 1);
    expect((await rejectionOf('E_CHECKPOINT', run.readConfig())).message).toMatch(/more than any such file/);
    expect((await readRunConfig(run.folder)).content).toEqual({});
  });

  it.each(['', '{"stoppedBy"', 'null', '{"stoppedBy":"rain","stepsCompleted":3}', '{"stoppedBy":"epochs"}'])(
    'says that this is no result: %j',
    async (content) => {
      const folder = await interruptedRun('');
      writeFileSync(path.join(folder, 'result.json'), content);
      const { message } = await rejectionOf('E_CHECKPOINT', reopened(folder).readResult());
      expect(message).toContain('result.json');
    },
  );

  it('may have lost its configuration', async () => {
    const folder = await interruptedRun('');
    rmSync(path.join(folder, 'config.json'));
    expect(await reopened(folder).readConfig()).toBeUndefined();
  });

  it('says what is wrong with a configuration that cannot be read', async () => {
    const folder = await interruptedRun('');
    writeFileSync(path.join(folder, 'config.json'), '{"seed":');
    expect((await rejectionOf('E_CHECKPOINT', reopened(folder).readConfig())).message).toContain(
      'config.json',
    );
  });

  it.skipIf(process.platform === 'win32')('waits for no pipe in the place of a file', async () => {
    const folder = await interruptedRun('');
    for (const name of ['config.json', 'metrics.jsonl']) {
      rmSync(path.join(folder, name));
      execFileSync('mkfifo', [path.join(folder, name)]);
    }
    expect(thrownBy('E_IO', () => RunFolder.open(folder)).message).toMatch(/metrics.jsonl.*it is a pipe/);
    rmSync(path.join(folder, 'metrics.jsonl'));
    const error = await rejectionOf('E_CHECKPOINT', reopened(folder).readConfig());
    expect(error.message).toMatch(/config.json.*not a regular file/);
  });
});

describe('the lock of a run', () => {
  it('keeps out a second process while the first lives, and no longer', async () => {
    const folder = await interruptedRun('');
    const other = await otherProcessIn(folder);
    const error = thrownBy('E_RUN_EXISTS', () => RunFolder.open(folder));
    expect(error.message).toContain(String(other.pid));
    expect(existsSync(lockOf(folder))).toBe(true);
    other.kill('SIGKILL'); // it has no chance to unlock
    await once(other, 'exit');
    reopened(folder).append({ event: 'notice', message: 'taken over' });
  });

  it('is asked for before anything takes its place: who has lost it writes nothing more', async () => {
    const run = await newRun();
    save(run, 'last', 'mine');
    await run.flush();
    const told: string[] = [];
    run.whenTakenOver(({ code }) => told.push(code));
    const [own] = readdirSync(lockOf(run.folder));
    renameSync(path.join(lockOf(run.folder), own!), path.join(lockOf(run.folder), 'of another'));
    save(run, 'last', 'stale');
    await rejectionOf('E_RUN_EXISTS', run.flush());
    await rejectionOf('E_RUN_EXISTS', run.writeResult({} as never));
    await rejectionOf('E_RUN_EXISTS', run.writeConfig({ seed: 3 }));
    expect(run.append({ event: 'notice', message: 'stale' })).toBeUndefined();
    expect(told).toEqual(['E_RUN_EXISTS']);
    expect(readFileSync(run.checkpointFile('last'), 'utf8')).toBe('mine');
    expect(readdirSync(path.join(run.folder, 'checkpoints'))).toEqual(['last.safetensors']);
    expect(linesOf(run)).toEqual([]);
    expect(await run.readConfig()).toEqual({ seed: 1 });
    run.close();
    expect(readdirSync(lockOf(run.folder))).toEqual(['of another']);
  });

  it('is asked for before each line of metrics.jsonl', async () => {
    const run = await newRun();
    run.append({ event: 'notice', message: 'mine' });
    const [own] = readdirSync(lockOf(run.folder));
    renameSync(path.join(lockOf(run.folder), own!), path.join(lockOf(run.folder), 'of another'));
    expect(run.append({ event: 'notice', message: 'stale' })).toBeUndefined();
    expect(linesOf(run)).toEqual([expect.stringContaining('mine')]);
    run.close();
  });

  it('is not forgotten by checkpoints that wait while the run is closed: the new owner’s stay', async () => {
    const run = await newRun();
    save(run, 'last', 'mine');
    await run.flush();
    const [own] = readdirSync(lockOf(run.folder));
    renameSync(path.join(lockOf(run.folder), own!), path.join(lockOf(run.folder), 'of another'));
    writeFileSync(run.checkpointFile('last'), 'of the new owner');
    run.whenTakenOver(() => run.close()); // while `best` is about to take its place, and `last` waits
    save(run, 'best', 'stale');
    const outcomes = save(run, 'last', 'stale');
    await rejectionOf('E_RUN_EXISTS', run.flush());
    expect(outcomes).toContainEqual(expect.objectContaining({ kind: 'failed' }));
    expect(readFileSync(run.checkpointFile('last'), 'utf8')).toBe('of the new owner');
    expect(readdirSync(path.join(run.folder, 'checkpoints'))).toEqual(['last.safetensors']);
  });

  it('is gone with the run: a closed run writes and removes nothing', async () => {
    const run = await newRun();
    save(run, 'last', 'weights');
    await run.flush();
    await run.writeResult({ stoppedBy: 'epochs', stepsCompleted: 4 } as never);
    run.close();
    const error = thrownBy('E_RUN_EXISTS', () => run.checkHeld());
    expect(error.message).toMatch(/is closed: this process no longer holds its lock.*; continue it with/);
    save(run, 'last', 'late');
    await rejectionOf('E_RUN_EXISTS', run.flush());
    await rejectionOf('E_RUN_EXISTS', run.writeResult({} as never));
    await rejectionOf('E_RUN_EXISTS', run.removeResult());
    await rejectionOf('E_RUN_EXISTS', run.writeConfig({ seed: 3 }));
    await rejectionOf('E_RUN_EXISTS', run.checkpoints.setLastAside());
    expect(readFileSync(run.checkpointFile('last'), 'utf8')).toBe('weights');
    expect(await run.readResult()).toMatchObject({ stepsCompleted: 4 });
    expect(await run.readConfig()).toEqual({ seed: 1 });
  });

  it('goes when the run is closed', async () => {
    const run = await newRun();
    expect(existsSync(lockOf(run.folder))).toBe(true);
    run.close();
    expect(existsSync(lockOf(run.folder))).toBe(false);
  });

  it('is taken over when it was left by an earlier process of the same number', async () => {
    const earlier = await newRun();
    const [own] = readdirSync(lockOf(earlier.folder));
    const folder = await interruptedRun('');
    mkdirSync(lockOf(folder));
    writeFileSync(path.join(lockOf(folder), own!), '');
    const run = reopened(folder);
    expect(readdirSync(lockOf(folder))).not.toEqual([own]);
    run.close();
  });
});

describe('writing that fails', () => {
  it('leaves the old content, nothing beside it, and names the file', async () => {
    const folder = temporaryFolder();
    const target = path.join(folder, 'file');
    await writeFileAtomically(target, 'old');
    const blocked = `${target}.${process.pid}.tmp`;
    mkdirSync(path.join(blocked, 'in the way'), { recursive: true });
    expect((await rejectionOf('E_IO', writeFileAtomically(target, 'new'))).message).toContain(target);
    expect(readFileSync(target, 'utf8')).toBe('old');
  });

  it('removes what it had begun, when the target cannot be replaced', async () => {
    const folder = temporaryFolder();
    const target = path.join(folder, 'target');
    mkdirSync(path.join(target, 'a folder with content'), { recursive: true });
    await rejectionOf('E_IO', writeFileAtomically(target, 'new'));
    expect(readdirSync(folder)).toEqual(['target']);
  });

  it.skipIf(!existsSync(FULL_DISK))('on a full disk leaves the old content and says what to do', async () => {
    const folder = temporaryFolder();
    const target = path.join(folder, 'file');
    await writeFileAtomically(target, 'old');
    symlinkSync(FULL_DISK, `${target}.${process.pid}.tmp`);
    const error = await rejectionOf('E_IO', writeFileAtomically(target, 'new'));
    expect(error.message).toMatch(/free some disk space/);
    expect(readFileSync(target, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['file']);
  });

  it.skipIf(!existsSync(FULL_DISK))('of an event is told once, and does not end the run', async () => {
    const folder = await interruptedRun('');
    const metrics = path.join(folder, 'metrics.jsonl');
    rmSync(metrics);
    symlinkSync(FULL_DISK, metrics);
    const run = reopened(folder);
    const problem = run.append({ event: 'notice', message: 'kept back' });
    expect(problem?.code).toBe('E_IO');
    expect(problem?.message).toMatch(/metrics\.jsonl.*free some disk space/);
    expect(run.append({ event: 'notice', message: 'kept back, too' })).toBeUndefined();
    run.close();
  });

  it('of a checkpoint is told to who saved it, and surfaces where all must be on disk', async () => {
    const run = await newRun();
    mkdirSync(path.join(run.checkpointFile('best'), 'in the way'), { recursive: true });
    const outcomes = save(run, 'best', 'weights');
    await rejectionOf('E_IO', run.flush());
    expect(outcomes.map(({ kind }) => kind)).toEqual(['failed', 'failed']); // once, and once more for the flush
    rmSync(run.checkpointFile('best'), { recursive: true });
    await run.flush();
    expect(outcomes.at(-1)).toMatchObject({ kind: 'saved', recovered: true, byteCount: 7 });
    await run.flush();
    expect(outcomes.length).toBe(3);
  });

  it('of a checkpoint does not keep later ones from being written', async () => {
    const run = await newRun();
    const checkpoints = path.join(run.folder, 'checkpoints');
    rmSync(checkpoints, { recursive: true });
    writeFileSync(checkpoints, 'a file in the way');
    for (const text of ['lost', 'lost too']) {
      save(run, 'last', text);
      save(run, 'best', `the best is tried again`);
      await rejectionOf('E_IO', run.flush());
    }
    rmSync(checkpoints);
    mkdirSync(checkpoints);
    const outcomes = save(run, 'last', 'good');
    await run.flush();
    expect(readFileSync(run.checkpointFile('last'), 'utf8')).toBe('good');
    expect(readFileSync(run.checkpointFile('best'), 'utf8')).toBe('the best is tried again');
    expect(outcomes).toEqual([expect.objectContaining({ kind: 'saved', recovered: true })]);
  });

  it('of the configuration is made up for with the next checkpoint', async () => {
    const run = await newRun();
    const blocked = `${run.configFile}.${process.pid}.tmp`;
    mkdirSync(path.join(blocked, 'in the way'), { recursive: true });
    await rejectionOf('E_IO', run.writeConfig({ seed: 2 }));
    await rejectionOf('E_IO', run.flush());
    expect(await run.readConfig()).toEqual({ seed: 1 });
    rmSync(blocked, { recursive: true });
    save(run, 'last', 'weights');
    await run.flush();
    expect(await run.readConfig()).toEqual({ seed: 2 });
  });

  it('after the run was closed does nothing', async () => {
    const run = await newRun();
    run.close();
    run.append({ event: 'notice', message: 'late' });
    expect(linesOf(run)).toEqual([]);
  });
});
