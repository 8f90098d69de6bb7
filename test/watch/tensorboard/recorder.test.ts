import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { saveEvaluation } from '../../../src/coordinator/index.js';
import { TensorBoardRecorder } from '../../../src/watch/index.js';
import { curveOf, eventFilesOf, readEvents, readRunEvents } from '../../support/eventFiles.js';
import { evaluationOf } from '../../support/evaluations.js';
import { epochLine, makeRun, stepLine } from '../../support/runFolders.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

const CURVES = {
  step: {
    loss: 'loss/step',
    accuracy: 'accuracy/step',
    lr: 'learning_rate',
    imagesPerSecond: 'images_per_second/step',
  },
  epoch: {
    trainLoss: 'loss/train',
    validationLoss: 'loss/validation',
    trainAccuracy: 'accuracy/train',
    validationAccuracy: 'accuracy/validation',
    imagesPerSecond: 'images_per_second/epoch',
  },
  test: { testLoss: 'loss/test', testAccuracy: 'accuracy/test' },
};

type Line = Readonly<Record<string, unknown>>;
const START_MS = Date.parse('2026-01-01T00:00:00.000Z');
let moment = START_MS;

/** As the run writes it: a later time for each line. */
function timed(line: object): Line {
  moment += 250;
  return { ...line, time: new Date(moment).toISOString() };
}

function metricsOf(folder: string): readonly Line[] {
  const text = readFileSync(path.join(folder, 'metrics.jsonl'), 'utf8');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);
}

function append(folder: string, ...lines: readonly object[]): void {
  const text = lines.map((line) => `${JSON.stringify(timed(line))}\n`).join('');
  appendFileSync(path.join(folder, 'metrics.jsonl'), text);
}

interface Session {
  readonly problems: string[];
  readonly recorder: TensorBoardRecorder;
}

async function session(folder: string, hold: { isLost: boolean } = { isLost: false }): Promise<Session> {
  const problems: string[] = [];
  const recorder = await TensorBoardRecorder.open({
    folder,
    runName: 'run',
    hparams: { lr: 0.1, model: 'resnet8', augment: true },
    checkHeld: () => {
      if (hold.isLost) throw new Error('taken over');
    },
    onProblem: (message) => void problems.push(message),
  });
  return { problems, recorder };
}

/** Every number of every curve, in float32, in order, once; nothing else. */
function expectEqualToMetrics(folder: string): void {
  const events = readRunEvents(folder);
  const lines = metricsOf(folder);
  for (const [event, tags] of Object.entries(CURVES)) {
    for (const [field, tag] of Object.entries(tags)) {
      const curve = curveOf(events, tag);
      const of = lines.filter((line) => line['event'] === event && line[field] !== null);
      expect(
        curve.map(({ value }) => value),
        tag,
      ).toEqual(of.map((line) => Math.fround(line[field] as number)));
      expect(curve.map(({ wallTime }) => wallTime)).toEqual(
        of.map(({ time }) => Date.parse(String(time)) / 1000),
      );
      if (event !== 'test') expect(curve.map(({ step }) => step)).toEqual(of.map(({ step }) => step));
    }
  }
}

function newRun(...lines: readonly object[]): string {
  moment = START_MS;
  return makeRun(path.join(temporaryFolder(), 'run'), { lines: lines.map(timed) });
}

const steps = (from: number, to: number): object[] =>
  Array.from({ length: to - from + 1 }, (_, index) => stepLine(from + index, { loss: 1 / (from + index) }));

/** What a resumed run does to its file: takes out what it computes again. */
function forget(folder: string, step: number): void {
  const kept = metricsOf(folder).filter((line) => !(Number(line['step']) > step));
  writeFileSync(path.join(folder, 'metrics.jsonl'), kept.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

describe('the TensorBoard event files of a run', () => {
  it('hold every number of metrics.jsonl, and begin as TensorBoard asks', async () => {
    const folder = newRun();
    const { recorder } = await session(folder);
    append(folder, ...steps(1, 10), epochLine(1, { validationLoss: null }), ...steps(11, 20), epochLine(2), {
      event: 'test',
      testLoss: 0.25,
      testAccuracy: 0.75,
    });
    await recorder.finish();
    expectEqualToMetrics(folder);
    const [first, second] = readRunEvents(folder);
    expect(first?.fileVersion).toBe('brain.Event:2');
    expect(second?.hparams).toEqual(['lr', 'model', 'augment']);
    expect(curveOf(readRunEvents(folder), 'loss/test')).toEqual([
      expect.objectContaining({ step: 20, value: 0.25 }),
    ]);
  });

  it('make no file for a session that has nothing to write', async () => {
    const folder = newRun({ event: 'notice', message: 'nothing' });
    await (await session(folder)).recorder.finish();
    expect(eventFilesOf(folder)).toEqual([]);
  });

  it('have no step twice and no gap, wherever a kill cut the file', async () => {
    const whole = newRun(...steps(1, 6), epochLine(1, { step: 6 }), ...steps(7, 9));
    await (await session(whole)).recorder.finish();
    const bytes = readFileSync(eventFilesOf(whole)[0]!);
    for (let length = 0; length <= bytes.byteLength; length += 31) {
      const folder = newRun(...steps(1, 6), epochLine(1, { step: 6 }), ...steps(7, 9));
      const file = path.join(folder, path.basename(eventFilesOf(whole)[0]!));
      writeFileSync(file, bytes.subarray(0, length));
      forget(folder, 7);
      moment += 60_000;
      const { recorder, problems } = await session(folder);
      append(folder, ...steps(8, 12), epochLine(2, { step: 12 }));
      await recorder.finish();
      expectEqualToMetrics(folder);
      expect(problems).toEqual([]);
      expect(readRunEvents(folder).filter(({ hparams }) => hparams.length > 0)).toHaveLength(1);
      rmSync(path.dirname(folder), { recursive: true });
    }
  });

  it('tell a reader that has seen later steps to forget them', async () => {
    const folder = newRun(...steps(1, 9));
    await (await session(folder)).recorder.finish();
    forget(folder, 4);
    const { recorder } = await session(folder);
    append(folder, ...steps(5, 6));
    await recorder.finish();
    expectEqualToMetrics(folder);
    const starts = readRunEvents(folder).filter(({ isSessionStart }) => isSessionStart);
    expect(starts.map(({ step }) => step)).toEqual([5]);
    expect(eventFilesOf(folder)).toHaveLength(2);
  });

  it('repeat a validation that was interrupted, and not its epoch', async () => {
    const folder = newRun(...steps(1, 4), epochLine(1, { step: 4 }));
    await (await session(folder)).recorder.finish();
    writeFileSync(
      path.join(folder, 'metrics.jsonl'),
      metricsOf(folder)
        .filter(({ event }) => event === 'step')
        .map((line) => `${JSON.stringify(line)}\n`)
        .join(''),
    );
    const { recorder } = await session(folder);
    append(folder, epochLine(1, { step: 4, validationAccuracy: 0.9 }), ...steps(5, 8));
    await recorder.finish();
    expectEqualToMetrics(folder);
  });

  it('are filled in after sessions without them', async () => {
    const folder = newRun(...steps(1, 9));
    await (await session(folder)).recorder.finish();
    forget(folder, 5);
    append(folder, ...steps(6, 12)); // a session with --no-tensorboard
    forget(folder, 11);
    const { recorder } = await session(folder);
    append(folder, ...steps(12, 14));
    await recorder.finish();
    expectEqualToMetrics(folder);
  });

  it('come in the order of the sessions even if the clock goes back', async () => {
    const folder = newRun(...steps(1, 3));
    await (await session(folder)).recorder.finish();
    renameSync(eventFilesOf(folder)[0]!, path.join(folder, 'events.out.tfevents.9999999998.lockstep'));
    const { recorder } = await session(folder);
    append(folder, ...steps(4, 6));
    await recorder.finish();
    expect(eventFilesOf(folder).map((file) => path.basename(file))).toEqual([
      'events.out.tfevents.9999999998.lockstep',
      'events.out.tfevents.9999999999.lockstep',
    ]);
    expectEqualToMetrics(folder);
  });

  it('show the images that an evaluation got wrong, at the step of its epoch, once', async () => {
    const folder = newRun();
    const { recorder } = await session(folder);
    append(folder, ...steps(1, 4), epochLine(3, { step: 4 }), ...steps(5, 6));
    await saveEvaluation(folder, evaluationOf());
    await recorder.finish();
    await (await session(folder)).recorder.finish();
    const images = readRunEvents(folder).flatMap(({ step, wallTime, images: read }) =>
      [...read].map(([tag, { height, width, png }]) => ({ tag, step, wallTime, height, width, png })),
    );
    expect(images).toEqual([
      {
        ...{ tag: 'misclassified/1 cat taken for dog', step: 4, height: 2, width: 2 },
        wallTime: Date.parse('2026-01-02T03:04:05.678Z') / 1000,
        png: expect.objectContaining({}) as Buffer,
      },
    ]);
    expect(images[0]!.png.subarray(1, 4).toString()).toBe('PNG');
    expectEqualToMetrics(folder);
  });

  it('stay if metrics.jsonl is lost, from which they could be made again', async () => {
    const folder = makeRun(path.join(temporaryFolder(), 'run'), {
      lines: [1, 2].map((step) => timed(stepLine(step))),
    });
    const first = await session(folder);
    await first.recorder.finish();
    const before = eventFilesOf(folder).map((file) => readFileSync(file));
    rmSync(path.join(folder, 'metrics.jsonl'));
    const second = await session(folder);
    append(folder, stepLine(3));
    await second.recorder.finish();
    const after = eventFilesOf(folder).map((file) => readFileSync(file));
    expect(after.slice(0, before.length)).toEqual(before);
    expect(after).toHaveLength(before.length + 1);
  });

  it('leave foreign event files alone', async () => {
    const folder = newRun(...steps(1, 3));
    const foreign = path.join(folder, 'events.out.tfevents.1700000000.host.17.0');
    writeFileSync(foreign, 'mine');
    await (await session(folder)).recorder.finish();
    expect(readFileSync(foreign, 'utf8')).toBe('mine');
  });

  it.skipIf(process.platform === 'win32')('cut nothing that a link of their name leads to', async () => {
    const folder = newRun(...steps(1, 3));
    const elsewhere = path.join(temporaryFolder(), 'notes.txt');
    writeFileSync(elsewhere, 'mine');
    symlinkSync(elsewhere, path.join(folder, 'events.out.tfevents.4000000000.lockstep'));
    mkdirSync(path.join(folder, 'events.out.tfevents.4000000001.lockstep'));
    const { recorder, problems } = await session(folder);
    await recorder.finish();
    expect(readFileSync(elsewhere, 'utf8')).toBe('mine');
    expect(problems).toEqual([]);
    // Its name comes after theirs, and holds everything.
    const file = path.join(folder, 'events.out.tfevents.4000000002.lockstep');
    expect(curveOf(readEvents(readFileSync(file)), 'loss/step')).toHaveLength(3);
  });

  it('are no longer written when another process has taken the folder over', async () => {
    const folder = newRun();
    const hold = { isLost: false };
    const { recorder, problems } = await session(folder, hold);
    hold.isLost = true;
    append(folder, ...steps(1, 3));
    await recorder.finish();
    expect(eventFilesOf(folder)).toEqual([]);
    expect(problems).toEqual([]);
  });

  it('are written as soon as they can be, and the trouble is told once', async () => {
    const folder = newRun(...steps(1, 3));
    const { recorder, problems } = await session(folder);
    const metrics = readFileSync(path.join(folder, 'metrics.jsonl'));
    rmSync(path.join(folder, 'metrics.jsonl'));
    recorder.on({ event: 'notice', message: 'wakes it' }, moment);
    await expect.poll(() => problems.length, { timeout: 30_000 }).toBe(1);
    writeFileSync(path.join(folder, 'metrics.jsonl'), metrics);
    await recorder.finish();
    expect(problems).toHaveLength(1);
    expectEqualToMetrics(folder);
  });
});
