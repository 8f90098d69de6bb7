import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { RunFolder } from '../../src/coordinator/index.js';
import { findRuns, History, readEpochs, requireRun, summariseRun } from '../../src/watch/index.js';
import { largeNetwork } from '../support/largeNetwork.js';
import { CONFIG, epochLine, makeRun, RESULT, stepLine } from '../support/runFolders.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

describe('finding runs', () => {
  it('finds them at several depths, sorted, and follows no symbolic link', () => {
    const root = temporaryFolder();
    makeRun(path.join(root, 'b'));
    makeRun(path.join(root, 'a', 'x'));
    makeRun(path.join(root, 'a', 'y'));
    mkdirSync(path.join(root, 'no-run'));
    writeFileSync(path.join(root, 'file'), '');
    symlinkSync(root, path.join(root, 'circle'));
    expect(findRuns(root)).toEqual(['a/x', 'a/y', 'b'].map((name) => path.join(root, name)));
  });

  it('takes a run folder for itself', () => {
    const folder = makeRun(path.join(temporaryFolder(), 'run'));
    expect(findRuns(folder)).toEqual([folder]);
  });

  it('names a folder that does not exist, and one that is no run', () => {
    const root = temporaryFolder();
    const missing = path.join(root, 'missing');
    expect(() => findRuns(missing)).toThrow(`${missing} does not exist; train a run first`);
    expect(() => requireRun(missing)).toThrow(`${missing} does not exist`);
    expect(() => requireRun(root)).toThrow(`${root} is not a run folder`);
    writeFileSync(path.join(root, 'file'), '');
    expect(() => findRuns(path.join(root, 'file'))).toThrow('is not a folder');
  });
});

describe('the summary of a run', () => {
  it('is read from the result of a finished run', async () => {
    const folder = makeRun(path.join(temporaryFolder(), 'run'), { result: RESULT });
    expect(await summariseRun(folder)).toMatchObject({
      name: 'run',
      state: 'finished',
      stoppedBy: 'epochs',
      model: 'resnet8',
      epochs: 3,
      epochsCompleted: 3,
      bestValidationAccuracy: 0.43,
      testAccuracy: 0.41,
      exact: true,
    });
  });

  it('is read beside a large network of its own', async () => {
    const config = { ...CONFIG, model: 'large', network: largeNetwork(0.95) };
    const folder = makeRun(path.join(temporaryFolder(), 'run'), { config });
    expect(await summariseRun(folder)).toMatchObject({ model: 'large', seed: 7 });
  });

  it('is read from the epochs of a run without result; the best is not the last', async () => {
    const lines = [
      epochLine(1),
      epochLine(2),
      stepLine(21),
      epochLine(3, { best: false, validationAccuracy: 0.1 }),
    ];
    const folder = makeRun(path.join(temporaryFolder(), 'run'), { lines });
    expect(await summariseRun(folder)).toMatchObject({
      state: 'interrupted',
      epochsCompleted: 3,
      stepsCompleted: 30,
      bestEpoch: 2,
      bestValidationAccuracy: 0.42,
      exact: null,
    });
  });

  it('tells a run that was stopped from one that has finished', async () => {
    const result = { ...RESULT, stoppedBy: 'signal' };
    expect((await summariseRun(makeRun(path.join(temporaryFolder(), 'run'), { result }))).state).toBe(
      'stopped',
    );
  });

  it('calls a run running while a process holds its folder, and no longer', async () => {
    const target = path.join(temporaryFolder(), 'run');
    const folder = await RunFolder.create(target, CONFIG);
    expect((await summariseRun(target)).state).toBe('running');
    folder.close();
    expect((await summariseRun(target)).state).toBe('interrupted');
  });

  it('survives files that are damaged, too large or hostile', async () => {
    const folder = makeRun(path.join(temporaryFolder(), 'run'), {
      config: { model: `\u001b[2J${'x'.repeat(1000)}`, seed: 'seven', epochs: null },
    });
    writeFileSync(path.join(folder, 'result.json'), '{"stoppedBy":');
    appendFileSync(path.join(folder, 'metrics.jsonl'), '{"wallSeconds" not JSON\n[1]\nnull\n');
    const summary = await summariseRun(folder);
    expect(summary).toMatchObject({ state: 'interrupted', seed: null, epochs: null, epochsCompleted: 0 });
    expect(summary.model).toHaveLength(200);
    expect(summary.model).not.toContain('\u001b');
    truncateSync(path.join(folder, 'config.json'), 0);
    writeFileSync(path.join(folder, 'result.json'), ' '.repeat(2 << 20));
    expect(await summariseRun(folder)).toMatchObject({ model: null, state: 'interrupted' });
  });
});

it('does not wait for a pipe, nor read a device without an end', async () => {
  const folder = makeRun(path.join(temporaryFolder(), 'run'));
  const metrics = path.join(folder, 'metrics.jsonl');
  for (const replace of [() => execFileSync('mkfifo', [metrics]), () => symlinkSync('/dev/zero', metrics)]) {
    rmSync(metrics);
    replace();
    expect(await summariseRun(folder)).toMatchObject({ state: 'interrupted', epochsCompleted: 0 });
    expect(await readEpochs(folder)).toEqual([]);
  }
});

describe('the history of a run', () => {
  it('reads on where it stopped, and leaves a line that is not whole', async () => {
    const folder = makeRun(path.join(temporaryFolder(), 'run'), { lines: [stepLine(1), epochLine(1)] });
    const file = path.join(folder, 'metrics.jsonl');
    const history = new History(folder, 100);
    await history.readOn();
    expect(history.epochs.map(({ epoch }) => epoch)).toEqual([1]);
    const line = JSON.stringify(epochLine(2));
    appendFileSync(file, line.slice(0, 20));
    await history.readOn();
    expect(history.epochs).toHaveLength(1);
    appendFileSync(file, `${line.slice(20)}\n`);
    await history.readOn();
    expect(history.epochs.map(({ epoch }) => epoch)).toEqual([1, 2]);
    expect(history.stepPoints.map(({ step }) => step)).toEqual([1]);
  });

  it('reads all anew where a resumed run has taken lines out, also if the file has grown since', async () => {
    const folder = makeRun(path.join(temporaryFolder(), 'run'), {
      lines: [epochLine(1), stepLine(11), stepLine(12)],
    });
    const history = new History(folder, 100);
    await history.readOn();
    makeRun(folder, {
      lines: [epochLine(1), ...[11, 12, 13, 14].map((step) => stepLine(step, { loss: 9 }))],
    });
    await history.readOn();
    expect(history.epochs).toHaveLength(1);
    expect(history.stepPoints.map(({ step, loss }) => [step, loss])).toEqual(
      [11, 12, 13, 14].map((step) => [step, 9]),
    );
  });

  it('keeps a bounded number of step points, whose means are those of their steps', async () => {
    const steps = 1000;
    const lines = Array.from({ length: steps }, (_, index) => stepLine(index + 1));
    const history = new History(makeRun(path.join(temporaryFolder(), 'run'), { lines }), 64);
    await history.readOn();
    const points = history.stepPoints;
    expect(points.length).toBeGreaterThan(31);
    expect(points.length).toBeLessThanOrEqual(64);
    expect(points.at(-1)!.step).toBe(steps);
    expect(points.reduce((sum, point) => sum + point.steps, 0)).toBe(steps);
    let first = 1;
    for (const { step, steps: count, loss } of points) {
      expect(step).toBe(first + count - 1);
      expect(loss).toBeCloseTo((first + step) / 2, 9); // the loss of a step is its number
      first = step + 1;
    }
  });

  it('draws the curve of a long run from a sample of its steps, and misses no other line', async () => {
    const steps = 30_000;
    const lines: object[] = [];
    for (let step = 1; step <= steps; step++) {
      lines.push(stepLine(step));
      if (step % 1000 === 0) lines.push(epochLine(step / 1000), { event: 'notice', message: String(step) });
    }
    lines.pop(); // ends with a step that the sample leaves out, as a run in training does
    const folder = makeRun(path.join(temporaryFolder(), 'run'), { lines: [...lines, stepLine(steps + 1)] });
    const history = new History(folder, 2000);
    const parse = vi.spyOn(JSON, 'parse');
    await history.readOn();
    const parsed = parse.mock.calls.length;
    parse.mockRestore();
    expect(parsed).toBeLessThan(steps / 2);
    const check = (count: number): void => {
      const points = history.stepPoints;
      expect(points.length).toBeGreaterThan(999);
      expect(points.length).toBeLessThanOrEqual(2000);
      expect(points.reduce((sum, point) => sum + point.steps, 0)).toBe(count);
      let first = 1;
      for (const { step, steps: number, loss } of points) {
        expect(step).toBe(first + number - 1);
        expect(loss).toBeGreaterThanOrEqual(first); // the loss of a step is its number
        expect(loss).toBeLessThanOrEqual(step);
        first = step + 1;
      }
    };
    check(steps + 1);
    expect(history.epochs.map(({ epoch }) => epoch)).toEqual(
      Array.from({ length: 30 }, (_, index) => index + 1),
    );
    expect(history.happenings).toHaveLength(29);
    const time = '2026-01-01T00:00:00.000Z';
    appendFileSync(
      path.join(folder, 'metrics.jsonl'),
      `${JSON.stringify({ time, ...stepLine(steps + 2) })}\n`,
    );
    await history.readOn();
    check(steps + 2);
  });

  it('reads lines across blocks, and skips one that is far too long', async () => {
    const notice = { event: 'notice', message: 'x'.repeat(100_000) };
    const lines = [
      ...Array<object>(25).fill(notice),
      { event: 'notice', message: 'y'.repeat(3 << 20) },
      epochLine(1),
    ];
    const folder = makeRun(path.join(temporaryFolder(), 'run'), { lines });
    const history = new History(folder, 10);
    await history.readOn();
    expect(history.happenings).toHaveLength(25);
    expect(history.epochs).toHaveLength(1);
    expect(await readEpochs(folder)).toEqual(history.epochs);
  });

  it('drops the oldest of too many events', async () => {
    const lines = Array.from({ length: 600 }, (_, index) => ({ event: 'notice', message: String(index) }));
    const history = new History(makeRun(path.join(temporaryFolder(), 'run'), { lines }), 10);
    await history.readOn();
    expect(history.happenings).toHaveLength(500);
    expect(history.happenings[0]!.line['message']).toBe('100');
  });
});
