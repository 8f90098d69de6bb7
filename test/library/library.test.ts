/** The library in one process, with threads: what it gives, what it refuses, and what it leaves alone. */

import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { gatherSamples, syntheticTestSet, syntheticTrainingSet } from '../../src/data/index.js';
import {
  coordinate,
  evaluate,
  loadCifar10,
  loadCifar100,
  loadFolder,
  LockstepError,
  NetworkBuilder,
  resnet,
  syntheticData,
  train,
  work,
} from '../../src/index.js';
import type { OwnData, OwnNetwork, RunEvent, TrainOptions } from '../../src/index.js';
import { RECIPE_PRESETS } from '../../src/coordinator/index.js';
import { rejectionOf } from '../support/errors.js';
import { largeNetwork } from '../support/largeNetwork.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const RECIPE = { model: 'resnet8', epochs: 2, trainLimit: 96, valSize: 32, batchSize: 32, seed: 7 } as const;
const MODERN = RECIPE_PRESETS.find(({ name }) => name === 'modern')!;
const onSimd = { engine: 'simd' } as const;

const options = (more: Partial<TrainOptions> = {}): TrainOptions => ({
  ...onSimd,
  recipe: RECIPE,
  data: syntheticData(),
  workers: 1,
  runDir: path.join(temporaryFolder(), 'run'),
  ...more,
});

/** Nothing makes a text of it. */
const NO_TEXT: unknown = Object.create(null);

const TEN = Array.from({ length: 10 }, (_, label) => `class ${label}`);

/** The first images of the synthetic sets, as a program's own. */
function ownData(): OwnData {
  const indices = Array.from({ length: 128 }, (_, index) => index);
  const [training, test] = [syntheticTrainingSet(), syntheticTestSet()].map((set) =>
    gatherSamples(set, indices),
  );
  return { name: 'shapes', training: training!, test: test! };
}

describe('train', () => {
  it('ends in the same bits in runs at the same time and on workers attached by work()', async () => {
    const { url, token, done } = await coordinate({ ...options(), workers: 0, port: 0 });
    expect(token).toBeUndefined();
    const [one, two, remote, node] = await Promise.all([
      train(options()),
      train(options({ workers: 2 })),
      done,
      work({ ...onSimd, url, threads: 1 }),
    ]);
    expect(one).toMatchObject({ stoppedBy: 'epochs', epochsCompleted: 2, stepsCompleted: 6, exact: true });
    expect([two, remote].map(({ weightsSha256 }) => weightsSha256)).toEqual([
      one.weightsSha256,
      one.weightsSha256,
    ]);
    expect(node.reason).toBe('the run has ended');
    expect(existsSync(path.join(one.runDir, 'result.json'))).toBe(true);
  });

  it('of coordinate() serves a page only if asked, for viewers who may look and owners who may stop it', async () => {
    const without = await coordinate({ ...options(), workers: 1, port: 0 });
    expect(without.page).toBeUndefined();
    expect((await fetch(without.url.replace('ws', 'http'))).status).toBe(426);
    await without.done;

    const secrets = { token: 's3cret', uiToken: 'lookers' };
    const recipe = { ...RECIPE, epochs: 10_000, patience: 0 };
    const run = await coordinate({ ...options({ recipe }), ...secrets, workers: 1, port: 0, ui: true });
    expect(run.page).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    const ask = (path: string, secret: string, method = 'GET'): Promise<Response> =>
      fetch(`${run.page}${path}`, { method, headers: { authorization: `Bearer ${secret}` } });
    expect(await (await fetch(run.page!)).text()).toContain('Lockstep');
    expect((await fetch(`${run.page}api/runs`)).status).toBe(401);
    expect((await ask('api/runs', 'lookers')).status).toBe(200);
    expect((await ask('api/stop', 'lookers', 'POST')).status).toBe(403);
    expect((await ask('api/stop', 's3cret', 'POST')).status).toBe(202);
    expect(await run.done).toMatchObject({ stoppedBy: 'signal' });
  });

  it('of coordinate() lets browser tabs in only if asked, by a link whose secret attaches workers', async () => {
    const without = await coordinate({ ...options(), workers: 1, port: 0 });
    expect(without.join).toBeUndefined();
    await without.done;

    const recipe = { ...RECIPE, epochs: 10_000, patience: 0 };
    const given = { token: 's3cret', ui: true, join: true } as const;
    const run = await coordinate({ ...options({ recipe }), ...given, workers: 1, port: 0 });
    const { origin, pathname, search, hash } = new URL(run.join!);
    expect([pathname, search]).toEqual(['/join', '']);
    const secret = new URLSearchParams(hash.slice(1)).get('token')!;
    expect(await (await fetch(`${origin}/join`)).text()).toContain('<!doctype html>');
    const bearer = (token: string): RequestInit => ({ headers: { authorization: `Bearer ${token}` } });
    expect((await fetch(`${origin}/api/runs`, bearer(secret))).status).toBe(401);
    const leaving = new AbortController();
    const node = work({ url: run.url, token: secret, ...onSimd, threads: 1, signal: leaving.signal });
    expect((await fetch(`${origin}/api/stop`, { ...bearer('s3cret'), method: 'POST' })).status).toBe(202);
    expect(await run.done).toMatchObject({ stoppedBy: 'signal' });
    leaving.abort();
    await node;
  });

  it('begins with a known recipe, and keeps the options in its place', async () => {
    const runDir = path.join(temporaryFolder(), 'run');
    const recipe = { ...RECIPE, preset: 'modern', epochs: 3, maxSteps: 1 } as const;
    await train(options({ runDir, recipe }));
    const kept = JSON.parse(readFileSync(path.join(runDir, 'config.json'), 'utf8')) as object;
    expect(kept).toMatchObject({ schedule: 'cosine', nesterov: true, weightDecay: 5e-4, model: 'resnet8' });
    expect(kept).not.toHaveProperty('preset');
    expect(kept).not.toHaveProperty('recipe');
    const { preset: _, ...own } = recipe;
    const spelt = await train(options({ recipe: { ...MODERN.options, ...own, maxSteps: 2 } }));
    const resumed = await train({ ...onSimd, resume: runDir, recipe: { maxSteps: 2 } });
    expect(resumed.stepsCompleted).toBe(2);
    const whole = await train(options({ recipe: { ...recipe, maxSteps: 2 } }));
    expect([resumed, spelt].map(({ lastWeightsSha256 }) => lastWeightsSha256)).toEqual([
      whole.lastWeightsSha256,
      whole.lastWeightsSha256,
    ]);
    const beside = rejectionOf('E_OPTION', train({ ...onSimd, resume: runDir, recipe: { preset: 'paper' } }));
    expect((await beside).message).toMatch(/preset paper contradicts resume .*leave preset out/);
    const unknown = options({ recipe: { preset: 'modren' as 'modern' } });
    expect((await rejectionOf('E_OPTION', train(unknown))).message).toBe(
      'preset modren must be one of paper, notebook, modern, fast94 (did you mean modern?)',
    );
  });

  it('tells every event, saves when it is aborted, and goes on from there to the same bits', async () => {
    const whole = await train(options());
    const events: RunEvent[] = [];
    const stop = new AbortController();
    const runDir = path.join(temporaryFolder(), 'run');
    const first = await train(
      options({
        runDir,
        signal: stop.signal,
        onEvent: (event) => {
          events.push(event);
          if (event.event === 'step' && event.step === 2) stop.abort();
        },
      }),
    );
    expect(first).toMatchObject({ stoppedBy: 'signal', runDir });
    expect(first.stepsCompleted).toBeLessThan(whole.stepsCompleted);
    const kinds = new Set(events.map(({ event }) => event));
    for (const kind of ['run-started', 'worker-joined', 'step', 'run-finished'] as const)
      expect(kinds).toContain(kind);
    const second = await train({ ...onSimd, resume: runDir, workers: 2 });
    expect(second).toMatchObject({ stoppedBy: 'epochs', weightsSha256: whole.weightsSha256 });
  });

  it('judges a fraction of an epoch by its steps when a run is resumed', async () => {
    const runDir = path.join(temporaryFolder(), 'run');
    const cut = await train(options({ runDir, recipe: { ...RECIPE, epochs: 1.4 } }));
    expect(cut).toMatchObject({ stepsCompleted: 4, epochsCompleted: 2 });
    const longer = train({ ...onSimd, resume: runDir, recipe: { epochs: 2 } });
    expect((await rejectionOf('E_OPTION', longer)).message).toMatch(
      /^epochs 2 would go on with .* ended in the middle of epoch 2; leave epochs out/,
    );
    await rejectionOf('E_RUN_COMPLETE', train({ ...onSimd, resume: runDir, recipe: { epochs: 1 } }));

    const rounded = path.join(temporaryFolder(), 'run');
    await train(options({ runDir: rounded, recipe: { ...RECIPE, epochs: 0.9 } }));
    const whole = await train(options());
    const resumed = await train({ ...onSimd, resume: rounded, recipe: { epochs: 2 } });
    expect(resumed.weightsSha256).toBe(whole.weightsSha256);
  });

  it('does not begin once its signal is aborted', async () => {
    const given = options({ signal: AbortSignal.abort() });
    await rejectionOf('E_STOPPED', train(given));
    expect(existsSync(given.runDir!)).toBe(false);
  });

  it('goes on without a listener that throws, which is the program’s own uncaught exception', async () => {
    const uncaught: unknown[] = [];
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException').on('uncaughtException', (error) => uncaught.push(error));
    onTestFinished(() => {
      process.removeAllListeners('uncaughtException');
      for (const listener of others) process.on('uncaughtException', listener);
    });
    const onEvent = ({ event }: RunEvent): void => {
      if (event === 'epoch') throw new Error('my own mistake');
    };
    const run = await train(options({ onEvent }));
    expect(run).toMatchObject({ stoppedBy: 'epochs' });
    expect(uncaught.map(String)).toEqual(['Error: my own mistake']);
    const log = readFileSync(path.join(run.runDir, 'metrics.jsonl'), 'utf8');
    expect(log).toMatch(/the callback onEvent is told nothing more of this run: my own mistake/);
  });

  it('prints nothing, and leaves environment, exit code and listeners alone', async () => {
    const written = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write'));
    const before = { env: { ...process.env }, exitCode: process.exitCode, title: process.title };
    const listeners = (): unknown => process.eventNames().map((name) => [name, process.listenerCount(name)]);
    const listening = listeners();
    await train(options());
    expect({ env: { ...process.env }, exitCode: process.exitCode, title: process.title }).toEqual(before);
    expect(listeners()).toEqual(listening);
    for (const write of written) expect(write).not.toHaveBeenCalled();
  });
});

describe('work', () => {
  it('leaves a coordinator that is not there as soon as it is aborted', async () => {
    const stop = new AbortController();
    const onStatus = (): void => stop.abort();
    const given = { ...onSimd, url: 'ws://127.0.0.1:1', threads: 1, signal: stop.signal, onStatus };
    expect(await work(given)).toEqual({ reason: expect.any(String) as string });
  });
});

describe('data of a program', () => {
  it('train, are named in the result, and must be given again', async () => {
    const runDir = path.join(temporaryFolder(), 'run');
    const data = ownData();
    const recipe = { ...RECIPE, trainLimit: 64, epochs: 1, maxSteps: 1 };
    const first = await train(options({ recipe, data, runDir, test: true }));
    expect(first).toMatchObject({ dataset: 'shapes', stoppedBy: 'max-steps' });
    expect(first.testAccuracy).not.toBeNull();
    const again = { ...onSimd, resume: runDir, recipe: { maxSteps: 2 } };
    expect((await rejectionOf('E_DATA_MISSING', train(again))).message).toMatch(
      /shapes .*a program brought it/,
    );
    expect((await rejectionOf('E_OPTION', train({ ...again, data: syntheticData() }))).message).toMatch(
      /shapes/,
    );
    expect(await train({ ...again, data })).toMatchObject({ stepsCompleted: 2 });
    const score = await evaluate({ ...onSimd, checkpoint: runDir, data, workers: 1 });
    expect(score).toMatchObject({ dataset: 'shapes', testSamples: 128, savedAs: null });
    expect(score.confusion.flat().reduce((sum, count) => sum + count)).toBe(128);
    const kept = await evaluate({ ...onSimd, checkpoint: runDir, data, workers: 1, save: true });
    expect(path.dirname(kept.savedAs!)).toBe(runDir);
    await rejectionOf('E_DATA_MISSING', evaluate({ ...onSimd, checkpoint: runDir, workers: 1 }));
    const twoPlaces = { ...onSimd, checkpoint: runDir, data, dataDir: 'shapes' };
    expect((await rejectionOf('E_OPTION', evaluate(twoPlaces))).message).toMatch(/dataDir shapes.*data/);
  });

  it.each([
    [
      'pixels that are too few',
      { training: { pixels: new Uint8Array(10), labels: Uint8Array.of(1) } },
      /3072 bytes/,
    ],
    ['no images', { training: { pixels: new Uint8Array(0), labels: new Uint8Array(0) } }, /no images/],
    [
      'an unknown label',
      { classNames: TEN, training: { pixels: new Uint8Array(3072), labels: Uint8Array.of(10) } },
      /label 10/,
    ],
    ['a name that is taken', { name: 'cifar10' }, /"cifar10", must be/],
    ['a name that is a path', { name: '../x' }, /must be a word/],
    ['too few class names', { classNames: ['a'] }, /at least 2 classes/],
    [
      'a test label that training has not',
      { test: { pixels: new Uint8Array(3072), labels: Uint8Array.of(200) } },
      /label 200, which must be from 0 to 9/,
    ],
    ['a shape that is none', { imageShape: { height: 0, width: 32, channels: 3 } }, /imageShape must have/],
    [
      'pixels that are no bytes',
      { training: { pixels: new Float32Array(3072), labels: Uint8Array.of(1) } as never },
      /^data\.training\.pixels must be a Uint8Array, and is a Float32Array; .*Uint8Array\.from/,
    ],
    [
      'labels that are no bytes',
      { test: { pixels: new Uint8Array(3072), labels: [1] } as never },
      /^data\.test\.labels must be a Uint8Array, and is a Array/,
    ],
    ['a test set that is none', { test: null as never }, /^data\.test must be \{ pixels, labels \}/],
    ['a key that nobody reads', { labels: [] }, /^"labels" is not a key of data, which has name/],
    [
      'a key of the images that nobody reads',
      { training: { pixels: new Uint8Array(3072), labels: Uint8Array.of(1), shape: [1] } as never },
      /^"shape" is not a key of data\.training/,
    ],
    [
      'a class name that is too long',
      { classNames: [...TEN.slice(1), 'x'.repeat(101)] },
      /^data\.classNames must each have 1 to 100 printable characters, and "x+" has not/,
    ],
    ['the same class twice', { classNames: [...TEN, 'class 3'] }, /"class 3" stands there twice/],
    [
      'class names that are none',
      { classNames: [1, 2] as never },
      /^data\.classNames must be a list of texts/,
    ],
    ['pixels of another shape', { imageShape: { height: 16, width: 32, channels: 3 } }, /1536 an image/],
  ])('are refused with %s', async (_what, change, problem) => {
    const { message } = await rejectionOf('E_OPTION', train(options({ data: { ...ownData(), ...change } })));
    expect(message).toMatch(problem);
  });
});

/** Two small layers of one's own for the images of `smallData`. */
function ownNetwork(channels: number): OwnNetwork {
  const builder = new NetworkBuilder();
  const top = builder.relu('relu', builder.convolution('conv', 'images', channels, 2));
  builder.dense('logits', builder.globalAveragePool('pool', top), 3);
  return {
    name: 'small',
    inputShape: { height: 12, width: 10, channels: 1 },
    classCount: 3,
    layers: builder.layers,
  };
}

/** Images of another shape and number of classes than those of CIFAR-10. */
function smallData(): OwnData {
  const count = 96;
  const labels = Uint8Array.from({ length: count }, (_, index) => index % 3);
  const pixels = Uint8Array.from(
    { length: count * 120 },
    (_, at) => (at * 31 + 80 * Math.floor(at / 120)) % 251,
  );
  const images = { pixels, labels };
  return {
    name: 'small',
    imageShape: { height: 12, width: 10, channels: 1 },
    training: images,
    test: images,
  };
}

describe('a network of a program', () => {
  const recipe = { epochs: 2, valSize: 32, batchSize: 32, seed: 7 };

  it('trains on images of its own shape, is kept by the run, and is refused if its layers are others', async () => {
    const data = smallData();
    const runDir = path.join(temporaryFolder(), 'run');
    const whole = await train(options({ recipe: { ...recipe, model: ownNetwork(4) }, data }));
    expect(whole).toMatchObject({ dataset: 'small', stoppedBy: 'epochs', stepsCompleted: 4 });
    await train(options({ recipe: { ...recipe, model: ownNetwork(4), maxSteps: 2 }, data, runDir }));
    const config = JSON.parse(readFileSync(path.join(runDir, 'config.json'), 'utf8')) as OwnData;
    expect(config).toMatchObject({
      model: 'small',
      network: { classNames: ['0', '1', '2'] },
      cropPadding: 4,
    });

    const other = { ...onSimd, resume: runDir, data, recipe: { model: ownNetwork(5) } };
    const { message } = await rejectionOf('E_OPTION', train(other));
    expect(message).toMatch(/^model small contradicts .* other layers.*leave model out/);
    const again = { ...onSimd, resume: runDir, data, recipe: { model: ownNetwork(4), maxSteps: null } };
    expect((await train(again)).weightsSha256).toBe(whole.weightsSha256);
    const score = await evaluate({ ...onSimd, checkpoint: runDir, data, workers: 1 });
    expect(score).toMatchObject({ model: 'small', testSamples: 96 });
  });

  it('holds back a tenth of its images unless it says how many', async () => {
    const small = { epochs: 1, batchSize: 32, seed: 7, model: ownNetwork(4) };
    const { runDir } = await train(options({ recipe: small, data: smallData() }));
    const config = JSON.parse(readFileSync(path.join(runDir, 'config.json'), 'utf8')) as unknown;
    expect(config).toMatchObject({ valSize: 9 });
    const given = train(options({ recipe: { ...small, valSize: 5000 }, data: smallData() }));
    expect((await rejectionOf('E_OPTION', given)).message).toContain('valSize 5000');
  });

  it('may have as many initial values as its text allows, and is resumed all the same', async () => {
    const model = largeNetwork(0.95);
    const labels = Uint8Array.from({ length: 64 }, (_, index) => index % 2);
    const pixels = Uint8Array.from({ length: 64 * 4 * 4 * 128 }, (_, at) => (at * 31) % 251);
    const { height, width, channels } = model.inputShape;
    const training = { pixels, labels };
    const data = { name: 'large', imageShape: { height, width, channels }, classNames: ['a', 'b'], training };
    const small = { model, valSize: 32, batchSize: 32, seed: 7, augment: false, lr: 0.001, maxSteps: 1 };
    const { runDir } = await train(options({ recipe: small, data }));
    expect(statSync(path.join(runDir, 'config.json')).size).toBeGreaterThan(1 << 20);
    const resumed = await train({ ...onSimd, resume: runDir, data, recipe: { maxSteps: 2 } });
    expect(resumed).toMatchObject({ dataset: 'large', stepsCompleted: 2 });
  });

  it('may be a preset, which is made for the images and classes of the data', async () => {
    const given = { ...recipe, model: 'resnet8', maxSteps: 1 };
    expect(await train(options({ recipe: given, data: smallData() }))).toMatchObject({ stepsCompleted: 1 });
  });

  it.each<[string, unknown, 'E_OPTION' | 'E_MODEL', RegExp]>([
    ['a name that makes none', 'vgg', 'E_OPTION', /^model vgg must be one of resnet8.*JSON\.parse/],
    ['a file', 'own.json', 'E_OPTION', /JSON\.parse/],
    ['a number', 20, 'E_OPTION', /^model must be a name/],
    ['no layers', { inputShape: ownNetwork(1).inputShape, classCount: 3 }, 'E_MODEL', /layers/],
    [
      'other images',
      { ...ownNetwork(1), inputShape: { height: 9, width: 9, channels: 1 } },
      'E_MODEL',
      /9x9x1/,
    ],
  ])('is refused if it is %s', async (_what, model, code, problem) => {
    const given = options({ recipe: { ...recipe, model: model as string }, data: smallData() });
    expect((await rejectionOf(code, train(given))).message).toMatch(problem);
    expect(existsSync(given.runDir!)).toBe(false);
  });

  it('has no dropout rate beside it', async () => {
    const given = options({ recipe: { ...recipe, model: ownNetwork(4), dropout: 0.1 }, data: smallData() });
    expect((await rejectionOf('E_OPTION', train(given))).message).toMatch(
      /^dropout 0\.1 is for named networks/,
    );
  });
});

describe('errors', () => {
  const empty = (): string => temporaryFolder();
  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['no data', () => train({}), /needs data.*syntheticData/],
    ...[null, false, 0, ''].map((data): [string, () => Promise<unknown>, RegExp] => [
      `${JSON.stringify(data)} for data`,
      () => train(options({ data: data as never })),
      /^data must have a name and training images/,
    ]),
    [
      'an unknown option',
      () => train({ ...options(), worker: 2 } as TrainOptions),
      /"worker" is not an option/,
    ],
    [
      'an unknown key of the recipe',
      () => train(options({ recipe: { batch: 1 } as never })),
      /"batch" is not/,
    ],
    [
      'a value out of bounds',
      () => train(options({ recipe: { dropout: 1 } })),
      /dropout 1 must be .*below 1/,
    ],
    [
      'a contradiction',
      () => train(options({ recipe: { batchSize: 100, microBatch: 32 } })),
      /microBatch: 25/,
    ],
    [
      'too many validation samples',
      () => train(options({ recipe: { valSize: 60_000 } })),
      /valSize 60000 must be an integer from/,
    ],
    [
      'another data set in the recipe',
      () => train(options({ recipe: { dataset: 'cifar10' } as never })),
      /^recipe\.dataset "cifar10" is not an option here.*loadCifar10/,
    ],
    ['a recipe that is none', () => train(options({ recipe: null as never })), /^recipe must be an object/],
    ['no network', () => train(options({ recipe: { model: null as never } })), /^model must be a name/],
    [
      'a number as a text',
      () => train(options({ workers: '2' as never })),
      /^workers "2" must be an integer from 1 to 1024; for example workers: 2$/,
    ],
    [
      'a text for a switch',
      () => train(options({ test: 'no' as never })),
      /^test "no" must be true or false/,
    ],
    [
      'a folder that no system can have',
      () => train(options({ runDir: 'a\0b' })),
      /^runDir "a\\u0000b" must be a text without the character NUL; for example runDir: "runs\/first"$/,
    ],
    ['no folder of CIFAR-10', () => loadCifar10(undefined as never), /^dataDir undefined must be the path/],
    ['no options of a folder', () => loadFolder(empty(), null as never), /the options must be one object/],
    [
      'a signal of a folder that is none',
      () => loadFolder(empty(), { signal: 'x' as never }),
      /signal must be an AbortSignal/,
    ],
    [
      'no options of CIFAR-100',
      () => loadCifar100(empty(), null as never),
      /must be one object, with coarse/,
    ],
    [
      'another option of it',
      () => loadCifar100(empty(), { coarse: true } as never),
      /"coarse" is not an opt/,
    ],
    ['no address', () => work({} as never), /^url undefined must be a text or a URL; for example "ws:/],
    ['an address of another type', () => work({ url: NO_TEXT as never }), /^url of type Object must be/],
    [
      'a proxy of another type',
      () => work({ url: 'wss://x', proxy: NO_TEXT as never }),
      /^proxy of type Object must be/,
    ],
    [
      'a number that cannot be a text',
      () => train(options({ recipe: { ...RECIPE, epochs: NO_TEXT as never } })),
      /^epochs of type Object must be a number above 0/,
    ],
    [
      'a number that is a symbol',
      () => coordinate({ ...options(), waitTimeoutMs: Symbol('five') as never }),
      /^waitTimeoutMs Symbol\(five\) must be a number of milliseconds/,
    ],
    [
      'a list of what cannot be a text',
      () => train(options({ recipe: { ...RECIPE, milestones: [NO_TEXT as never] } })),
      /^milestones of type Object must be ascending/,
    ],
    [
      'a data set in the recipe',
      () => train(options({ recipe: { ...RECIPE, dataset: 5n } as never })),
      /^recipe\.dataset 5 is not an option here/,
    ],
    [
      'no shape of images',
      () => train(options({ data: { ...ownData(), imageShape: null as never } })),
      /imageShape must have a height/,
    ],
    [
      'a shape of big integers',
      () =>
        train(
          options({ data: { ...ownData(), imageShape: { height: 5n, width: 5n, channels: 3 } as never } }),
        ),
      /imageShape must have a height/,
    ],
    ['no certificates', () => coordinate({ ...options(), tls: {} as never }), /^tls must hold cert and key/],
    [
      'a certificate without its key',
      () => coordinate({ ...options(), tls: { cert: 'x' } as never }),
      /^TLS needs both tls\.cert and tls\.key; give both, or neither$/,
    ],
    [
      'names of files for certificates',
      () => coordinate({ ...options(), tls: { cert: 'cert.pem', key: 'key.pem' } }),
      /^tls\.cert must be PEM.*content of the file/,
    ],
    [
      'certificates beside the word that none are wanted',
      () => coordinate({ ...options(), insecure: true, tls: { cert: 'c', key: 'k' } }),
      /^insecure: true contradicts tls\.cert/,
    ],
    ['no options', () => train(undefined as never), /the options must be one object/],
    ['a text for options', () => evaluate('runs/first' as never), /the options must be one object/],
    ['a listener that is none', () => train(options({ onEvent: 3 as never })), /onEvent must be a function/],
    ['a signal that is none', () => train(options({ signal: {} as never })), /signal must be an AbortSignal/],
    ['too many workers', () => train(options({ workers: 5000 })), /workers 5000 must be/],
    [
      'no workers at all',
      () => train(options({ workers: 0 })),
      /^workers 0 must be an integer from 1 to 1024/,
    ],
    [
      'an evaluation without workers',
      () => evaluate({ checkpoint: empty(), workers: 0 }),
      /^workers 0 must be an integer from 1 to 1024/,
    ],
    [
      'no threads',
      () => work({ url: 'ws://127.0.0.1:1', threads: 0 }),
      /^threads 0 must be an integer from 1 to 1024; for example threads: 2$/,
    ],
    ['too many threads', () => work({ url: 'ws://127.0.0.1:1', threads: 2000 }), /^threads 2000 must be/],
    ['workers that are no number', () => train(options({ workers: NaN })), /^workers NaN must be/],
    [
      'a host with a port',
      () => coordinate({ ...options(), host: 'localhost:7070' }),
      /^host "localhost:7070" must be a host name or an IP address, without a port/,
    ],
    [
      'a negative wait',
      () => coordinate({ ...options(), waitTimeoutMs: -5 }),
      /^waitTimeoutMs -5 must be a number of milliseconds above 0 and below 1000000000; for example waitTimeoutMs: 300000$/,
    ],
    [
      'a heartbeat too short for a coordinator',
      () => coordinate({ ...options(), heartbeatTimeoutMs: 1 }),
      /^heartbeatTimeoutMs 1 must be a number of milliseconds at least \d+000 and below 1000000000/,
    ],
    [
      'a heartbeat too short for a worker',
      () => work({ url: 'ws://127.0.0.1:1', heartbeatTimeoutMs: 1 }),
      /^heartbeatTimeoutMs 1 must be a number of milliseconds at least/,
    ],
    ['no run to resume', () => train({ resume: empty() }), /holds no run.*give resume/],
    ['two folders', () => train({ resume: empty(), runDir: empty() }), /leave runDir/],
    [
      'an open door without TLS',
      () => coordinate({ ...options(), host: '0.0.0.0' }),
      /tls\.cert.*insecure: true/,
    ],
    [
      'a port that is none',
      () => coordinate({ ...options(), port: 70_000 }),
      /^port 70000 must be an integer from 0 to 65535; for example port: 7070$/,
    ],
    ['a URL that is none', () => work({ url: 'ftp://x' }), /must be the coordinator's URL/],
    [
      'a secret of a page that is not served',
      () => coordinate({ ...options(), uiToken: 'x' }),
      /^uiToken .*give ui: true/,
    ],
    [
      'a viewers’ secret of two words',
      () => coordinate({ ...options(), ui: true, uiToken: 'a b' }),
      /^uiToken must be one word/,
    ],
    [
      'a page elsewhere',
      () => coordinate({ ...options(), ui: '127.0.0.1:80' as never }),
      /^ui must be true or false/,
    ],
    [
      'a page for tabs elsewhere',
      () => coordinate({ ...options(), join: 'yes' as never }),
      /^join must be true or false/,
    ],
    [
      'a secret for workers that is the token',
      () => coordinate({ ...options(), token: 'one', joinToken: 'one' }),
      /^joinToken and token are the same secret/,
    ],
    ['a token of two words', () => coordinate({ ...options(), token: 'a b' }), /token must be one word/],
    ['an empty token', () => work({ url: 'ws://127.0.0.1:1', token: '' }), /token must be one word/],
    [
      'a certificate by its name',
      () => work({ url: 'wss://x', ca: 'cert.pem' }),
      /ca must be .*not its name/,
    ],
    ['a proxy that is none', () => work({ url: 'wss://x', proxy: 'proxy' }), /proxy proxy must be the URL/],
    ['a duration that is none', () => work({ url: 'ws://x', retryForMs: -1 }), /retryForMs -1 must be/],
    ['an empty folder name', () => train(options({ runDir: '' })), /runDir "" must be/],
    ['data without images', () => train(options({ data: {} as OwnData })), /data must have a name/],
    [
      'a promise for data',
      () => train(options({ data: Promise.resolve(ownData()) as never })),
      /data must have/,
    ],
    [
      'nobody there',
      () => work({ ...onSimd, url: 'ws://127.0.0.1:1', threads: 1, retryForMs: 0 }),
      /retryForMs/,
    ],
    ['no checkpoint', () => evaluate({ checkpoint: path.join(empty(), 'none') }), /there is no checkpoint/],
  ])('for %s are coded, and speak of no flags', async (_what, call, expected) => {
    const error: unknown = await call().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(LockstepError);
    const { message, code } = error as LockstepError;
    expect(code).not.toBe('E_INTERNAL');
    expect(message).toMatch(expected);
    expect(message).not.toMatch(/--[a-z]/);
  });

  it('of a resumed run name the key that contradicts it', async () => {
    const { runDir } = await train(options({ recipe: { ...RECIPE, maxSteps: 1 } }));
    const { message } = await rejectionOf(
      'E_OPTION',
      train({ ...onSimd, resume: runDir, recipe: { seed: 3 } }),
    );
    expect(message).toMatch(/^seed 3 contradicts/);
    expect(readFileSync(path.join(runDir, 'config.json'), 'utf8')).toContain('"seed": 7');
  });
});

it('resnet() names the models that there are', () => {
  expect(resnet({ depth: 20 })).toBe('resnet20');
  expect(resnet({ depth: 20, width: 4 })).toBe('resnet20x4');
  expect(() => resnet({ depth: 21 })).toThrow(LockstepError);
  for (const given of [[20, 2], [], [{ depth: '20' }], [{ depth: 20, width: 1.5 }]])
    expect(() => (resnet as (...sizes: unknown[]) => string)(...given)).toThrow(
      /^resnet takes one object .*resnet\(\{ depth: 20, width: 2 \}\)$/,
    );
  expect(() => resnet({ depth: 20, wide: 2 } as never)).toThrow(/"wide" is not a key/);
});
