import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { inFlags } from '../../../src/cli/options/inFlags.js';
import { COORDINATOR_OPTIONS, TRAIN_OPTIONS } from '../../../src/cli/options/optionTable.js';
import type { OptionEntry } from '../../../src/cli/options/optionTable.js';
import { declareRunOptions, sessionOptionsOf } from '../../../src/cli/options/runOptions.js';
import { declareOptions, resolveTrainingOptions } from '../../../src/cli/options/trainingOptions.js';
import { recipeNotices, recipeRemarks, recipeSchema, settleRecipe } from '../../../src/coordinator/index.js';
import type { LockstepError } from '../../../src/foundation/errors.js';
import type { TrainingOptions } from '../../../src/session/index.js';
import { thrownBy } from '../../support/errors.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

function parsed(args: readonly string[], entries: readonly OptionEntry[] = TRAIN_OPTIONS): Command {
  const command = new Command('train').exitOverride().configureOutput({ writeErr: () => undefined });
  declareOptions(command, entries);
  declareRunOptions(command);
  return command.action(() => undefined).parse([...args], { from: 'user' });
}

const resolve = (...args: string[]): TrainingOptions => resolveTrainingOptions(parsed(args), TRAIN_OPTIONS);
const resolveForCoordinator = (...args: string[]): TrainingOptions =>
  resolveTrainingOptions(parsed(args, COORDINATOR_OPTIONS), COORDINATOR_OPTIONS);
const refused = (...args: string[]): LockstepError =>
  inFlags(thrownBy('E_OPTION', () => resolve(...args))) as LockstepError;

function configFile(content: unknown): string {
  const file = path.join(temporaryFolder(), 'recipe.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

beforeEach(() => vi.stubEnv('LOCKSTEP_DATA_DIR', undefined));
afterEach(() => {
  vi.unstubAllEnvs();
});

describe('the defaults', () => {
  it('are those that the help and the issue name', () => {
    const { recipe, dataDir, engine, checkpointEvery, given } = resolve();
    expect(recipe).toEqual({
      dataset: 'auto',
      coarseLabels: false,
      imageSize: 32,
      channels: 'colour',
      badImages: 'refuse',
      trainLimit: null,
      valSize: 5000,
      stratify: false,
      model: 'resnet20',
      init: 'none',
      freeze: 'none',
      dropout: 0,
      epochs: 200,
      maxSteps: null,
      batchSize: 128,
      microBatch: 32,
      wire: 'float32',
      lr: 0.1,
      momentum: 0.9,
      nesterov: false,
      optimizer: 'sgd',
      muonLr: 0.24,
      muonMomentum: 0.6,
      weightDecay: 1e-4,
      schedule: 'multistep',
      milestones: [100, 150],
      gamma: 0.1,
      warmupEpochs: 0,
      finalLr: 0,
      patience: 20,
      augment: true,
      cropPadding: 4,
      border: 'zero',
      flip: 'random',
      cutout: 0,
      colourJitter: 0,
      mixup: 0,
      dropLast: false,
      decayOn: 'all',
      shiftLrFactor: 1,
      averaging: 'none',
      emaDecay: 0.999,
      labelSmoothing: 0,
      evalStatistics: 'running',
      tta: 'none',
      seed: 1,
    });
    expect({ dataDir, engine, checkpointEvery }).toEqual({
      dataDir: 'data',
      engine: 'auto',
      checkpointEvery: 100,
    });
    expect([...given]).toEqual([]);
  });

  it('make a whole recipe, once the data set is decided', () => {
    expect(recipeSchema.parse(settleRecipe(resolve().recipe, 'cifar10'))).toEqual({
      ...resolve().recipe,
      dataset: 'cifar10',
    });
  });

  it('of the workers differ between the commands', () => {
    expect(resolve().workers).toBeGreaterThanOrEqual(1);
    expect(resolveForCoordinator().workers).toBe(0);
  });
});

describe('what the user gives', () => {
  it('by flags is used, and remembered as given', () => {
    const { recipe, given, workers } = resolve(
      ...[
        '--epochs',
        '3',
        '--lr',
        '0.5',
        '--nesterov',
        '--no-augment',
        '--milestones',
        '1,2',
        '--workers',
        '2',
      ],
      ...['--train-limit', '500', '--max-steps', '7', '--eval-statistics', 'batch'],
    );
    expect(recipe).toMatchObject({
      epochs: 3,
      lr: 0.5,
      nesterov: true,
      augment: false,
      milestones: [1, 2],
      trainLimit: 500,
      maxSteps: 7,
      evalStatistics: 'batch',
    });
    expect(workers).toBe(2);
    expect([...given].sort()).toEqual(
      [
        'augment',
        'epochs',
        'evalStatistics',
        'lr',
        'maxSteps',
        'milestones',
        'nesterov',
        'trainLimit',
        'workers',
      ].sort(),
    );
  });

  it('in a file wins over the defaults, and flags win over the file', () => {
    const file = configFile({ epochs: 20, lr: 0.3, augment: false, milestones: [5], workers: 3 });
    const { recipe, workers, given } = resolve('--config', file, '--lr', '0.2');
    expect(recipe).toMatchObject({ epochs: 20, lr: 0.2, augment: false, milestones: [5], batchSize: 128 });
    expect(workers).toBe(3);
    expect([...given].sort()).toEqual(['augment', 'epochs', 'lr', 'milestones', 'workers']);
  });

  it('as a flag that equals the default still wins over the file', () => {
    expect(resolve('--config', configFile({ seed: 5 }), '--seed', '1').recipe.seed).toBe(1);
  });

  it('in a file may be written as the flags are, and null means none', () => {
    const file = configFile({
      '--batch-size': 64,
      'weight-decay': 0,
      maxSteps: null,
      'eval-statistics': 'batch',
    });
    const { recipe, given } = resolve('--config', file);
    expect(recipe).toMatchObject({ batchSize: 64, weightDecay: 0, maxSteps: null, evalStatistics: 'batch' });
    expect(given.has('maxSteps')).toBe(true);
  });

  it.each(['lr', 'seed', 'device'])('in a file is no null where none is no value: %s', (key) => {
    expect(refused('--config', configFile({ [key]: null })).message).toMatch(
      new RegExp(`^"${key}" in .*: null must be a.*, or leave it out$`),
    );
    expect(resolve('--config', configFile({ [key]: null, versions: {} })).given).toEqual(new Set());
  });

  it.each(['1e400', 'Infinity', '-inf'])('is finite: --lr %s', (value) => {
    expect(() => parsed(['--lr', value])).toThrow(/must be a finite number above 0/);
    expect(refused('--config', configFile(`{"lr": 1e400}`)).message).toContain('Infinity must be a finite');
  });

  it('finds the data folder by flag, file, environment and default, in this order', () => {
    expect(resolve().dataDir).toBe('data');
    vi.stubEnv('LOCKSTEP_DATA_DIR', '');
    expect(resolve().dataDir).toBe('data');
    vi.stubEnv('LOCKSTEP_DATA_DIR', '/from/environment');
    expect(resolve().dataDir).toBe('/from/environment');
    const file = configFile({ dataDir: '/from/file' });
    expect(resolve('--config', file).dataDir).toBe('/from/file');
    expect(resolve('--config', file, '--data-dir', '/from/flag').dataDir).toBe('/from/flag');
  });
});

describe('the config.json of a run', () => {
  /** As trainingSession.ts writes it. */
  const ofARun = (change: object = {}): string =>
    configFile({
      ...settleRecipe(resolve().recipe, 'cifar10'),
      dataDir: '/data',
      workers: 2,
      engine: 'wasm',
      checkpointEvery: 50,
      ...change,
      versions: { lockstep: '0.1.0', node: '20.0.0', v8: '11' },
      host: { platform: 'linux', arch: 'x64' },
    });

  it('is a config file like any other: what it says besides options is ignored', () => {
    const { recipe, engine, checkpointEvery } = resolve(
      '--config',
      ofARun({ seed: 4, epochs: 30 }),
      '--lr',
      '0.2',
    );
    expect(recipe).toMatchObject({ dataset: 'cifar10', seed: 4, epochs: 30, lr: 0.2 });
    expect({ engine, checkpointEvery }).toEqual({ engine: 'wasm', checkpointEvery: 50 });
  });

  it('does not contradict itself by options that its schedule has no use for', () => {
    for (const schedule of ['cosine', 'onecycle', 'constant']) {
      expect(resolve('--config', ofARun({ schedule })).recipe.schedule).toBe(schedule);
    }
    expect(resolve('--config', ofARun({ valSize: 0 })).recipe.valSize).toBe(0);
    thrownBy('E_OPTION', () => resolve('--config', ofARun({ schedule: 'cosine' }), '--gamma', '0.5'));
  });

  it('of a coordinator without workers has the default of train there', () => {
    const file = ofARun({ workers: 0 });
    const { workers, given } = resolve('--config', file);
    expect(workers).toBe(resolve().workers);
    expect(given.has('workers')).toBe(false);
    expect(resolve('--config', file, '--workers', '2').workers).toBe(2);
    expect(resolveForCoordinator('--config', file).workers).toBe(0);
    expect(refused('--config', configFile({ workers: 0 })).message).toMatch(/"workers" in .*from 1/);
  });

  it('serves either command, whichever made it', () => {
    const file = ofARun({ listen: '127.0.0.1:1', minWorkers: 3 });
    expect(resolve('--config', file).recipe).toEqual(resolveForCoordinator('--config', file).recipe);
    expect(resolveForCoordinator('--config', file).workers).toBe(2);
  });

  it('is still checked for keys that no command has', () => {
    expect(refused('--config', ofARun({ epoch: 3 })).message).toMatch(/did you mean "epochs"/);
    refused('--config', ofARun({ token: 'secret' }));
  });
});

describe('a config file beside the training options', () => {
  it('holds those of the run and of the coordinator, for the command as for the flags', () => {
    const file = configFile({
      runDir: 'runs/mine',
      test: true,
      '--json': true,
      listen: '0.0.0.0:1',
      'min-workers': 2,
      waitTimeout: 1.5,
      tlsCert: 'cert.pem',
      'tls-key': 'key.pem',
      insecure: false,
    });
    const command = parsed(['--config', file, '--min-workers', '4'], COORDINATOR_OPTIONS);
    resolveTrainingOptions(command, COORDINATOR_OPTIONS);
    expect(sessionOptionsOf(command)).toEqual({
      runDir: 'runs/mine',
      resume: undefined,
      test: true,
      json: true,
    });
    expect(command.opts()).toMatchObject({
      listen: '0.0.0.0:1',
      minWorkers: 4,
      waitTimeout: 1.5,
      tlsCert: 'cert.pem',
      tlsKey: 'key.pem',
      insecure: false,
    });
  });

  it.each([
    [{ augment: false }, false],
    [{ augment: true }, true],
    [{ 'no-augment': true }, false],
    [{ '--no-augment': true }, false],
    [{ noAugment: false }, true],
  ])('understands %j, however a flag is negated', (content, augment) => {
    expect(resolve('--config', configFile(content)).recipe.augment).toBe(augment);
  });

  it('refuses a key and its opposite', () => {
    const error = refused('--config', configFile({ augment: false, noAugment: true }));
    expect(error.message).toMatch(/twice.*"augment"/);
  });

  it('suggests the key that was probably meant', () => {
    expect(refused('--config', configFile({ augmnet: false })).message).toContain('did you mean "augment"?');
  });

  it('takes none for a limit of steps that is no more', () => {
    for (const args of [
      ['--max-steps', 'none'],
      ['--config', configFile({ maxSteps: 'none' })],
    ]) {
      const { recipe, given } = resolve(...args);
      expect(recipe.maxSteps).toBeNull();
      expect(given.has('maxSteps')).toBe(true);
    }
    expect(refused('--max-steps', 'never').message).toMatch(/integer of at least 1, or none/);
  });

  it('takes every flag of the command but those that no file may hold', () => {
    for (const entries of [TRAIN_OPTIONS, COORDINATOR_OPTIONS]) {
      const keys = parsed([], entries).options.map((option) => option.attributeName());
      const fromTable = entries.map(({ key }) => key);
      expect(keys.filter((key) => !fromTable.includes(key)).sort()).toEqual(['config', 'resume']);
      for (const key of fromTable) expect(keys).toContain(key);
    }
  });

  it('is refused with a value that its flag could not have', () => {
    const refusedThere = (content: object): string =>
      thrownBy('E_OPTION', () => resolveForCoordinator('--config', configFile(content))).message;
    expect(refusedThere({ listen: '7070' })).toMatch(
      /"listen" in .*: "7070" must be HOST:PORT.*; for example "listen": "127.0.0.1:7070"$/,
    );
    expect(refusedThere({ minWorkers: 0 })).toMatch(/"minWorkers" in .*: 0 must be/);
    expect(refusedThere({ insecure: 'yes' })).toMatch(/true or false; for example "insecure": true$/);
    expect(refusedThere({ runDir: '' })).toMatch(/"runDir" in/);
  });

  it('is refused with an option of the other command', () => {
    const { message } = refused('--config', configFile({ listen: '127.0.0.1:1' }));
    expect(message).toMatch(/"listen" is an option of another command; leave it out/);
  });

  it.each(['token', 'tokenFile', 'token-file', '--token-file'])('never holds the secret as %s', (name) => {
    for (const each of [resolve, resolveForCoordinator]) {
      const { message } = thrownBy('E_OPTION', () => each('--config', configFile({ [name]: 's3cret' })));
      expect(message).toMatch(/a secret does not belong in it; use LOCKSTEP_TOKEN/);
      expect(message).not.toContain('s3cret');
    }
  });

  it.each(['resume', 'config', '--config'])('never holds %s', (name) => {
    const { message } = refused('--config', configFile({ [name]: 'some' }));
    expect(message).toContain(`must not hold "${name}": give it on the command line`);
  });
});

describe('a config file', () => {
  it.each<[string, (text: string) => Buffer]>([
    ['UTF-8 with a byte order mark', (text) => Buffer.from(`\ufeff${text}`)],
    ['UTF-16, as PowerShell writes it', (text) => Buffer.from(`\ufeff${text}`, 'utf16le')],
  ])('may be %s', (_what, encode) => {
    const file = path.join(temporaryFolder(), 'recipe.json');
    writeFileSync(file, encode('{ "epochs": 7 }'));
    expect(resolve('--config', file).recipe.epochs).toBe(7);
  });
});

describe('a config file that is refused', () => {
  it('has a key that is not known, with a suggestion', () => {
    expect(refused('--config', configFile({ epoch: 3 })).message).toMatch(
      /unknown key "epoch"; did you mean "epochs"\?/,
    );
    expect(refused('--config', configFile({ 'bach-size': 3 })).message).toMatch(/did you mean "batchSize"\?/);
    expect(refused('--config', configFile({ nonsense: 3 })).message).toMatch(/unknown key "nonsense"$/);
  });

  it.each<[string, unknown]>([
    ['no JSON', '{"epochs": 3,}'],
    ['a list', [{ epochs: 3 }]],
    ['a number', 5],
    ['null', null],
  ])('is %s', (_what, content) => {
    expect(refused('--config', configFile(content)).message).toContain('--config');
  });

  it('is missing, or a folder', () => {
    const folder = temporaryFolder();
    mkdirSync(path.join(folder, 'folder'));
    refused('--config', path.join(folder, 'none.json'));
    refused('--config', path.join(folder, 'folder'));
  });

  it('has a value that no flag could have, and names the key and the file', () => {
    const file = configFile({ epochs: -1 });
    expect(refused('--config', file).message).toContain(`"epochs" in ${file}: -1 must be a number above 0`);
    const ofLr = configFile({ lr: -1 });
    expect(refused('--config', ofLr).message).toBe(
      `"lr" in ${ofLr}: -1 must be a number above 0; for example "lr": 0.1`,
    );
    refused('--config', configFile({ nesterov: 'yes' }));
    refused('--config', configFile({ model: 'vgg' }));
    refused('--config', configFile({ milestones: [2, 1] }));
    refused('--config', configFile({ lr: '0.1x' }));
  });
});

describe('milestones beyond the epochs', () => {
  const noticesOf = (...args: string[]): readonly string[] => {
    const { recipe, given } = resolve(...args);
    return recipeNotices(settleRecipe(recipe, 'synthetic'), given);
  };

  it('are worth a notice, if they were asked for', () => {
    expect(noticesOf('--epochs', '100', '--milestones', '50,100,150')).toEqual([
      expect.stringMatching(/the milestones 100, 150 will never be reached: the run has 100 epochs/),
    ]);
  });

  it('are none if they are reached, or only the default', () => {
    expect(noticesOf('--epochs', '100', '--milestones', '50,99')).toEqual([]);
    expect(noticesOf('--epochs', '3')).toEqual([]);
    expect(noticesOf('--epochs', '3', '--schedule', 'cosine')).toEqual([]);
  });
});

describe('the micro-batch', () => {
  const sizesOf = (...args: string[]): readonly number[] => {
    const { recipe, given } = resolve(...args);
    const remarks = recipeRemarks(settleRecipe(recipe, 'synthetic'), given);
    expect(remarks.length).toBe(recipe.microBatch === 32 || given.has('microBatch') ? 0 : 1);
    for (const remark of remarks) expect(remark).toContain(`micro-batches of ${recipe.microBatch}:`);
    return [recipe.batchSize, recipe.microBatch];
  };

  it.each([
    ...[32, 64, 96, 128, 256, 1024, 65536].map((batch) => [batch, 32]),
    ...[1, 7, 16, 31].map((batch) => [batch, batch]),
    ...[
      [50, 25],
      [100, 25],
      [48, 24],
      [1000, 25],
      [40, 20],
    ],
  ])('follows a batch of %i if it is not given: %i', (batch, microBatch) => {
    expect(sizesOf('--batch-size', String(batch))).toEqual([batch, microBatch]);
    expect(sizesOf('--config', configFile({ batchSize: batch }))).toEqual([batch, microBatch]);
  });

  it('is what was given, if it was', () => {
    expect(sizesOf('--batch-size', '64', '--micro-batch', '8')).toEqual([64, 8]);
    expect(sizesOf('--micro-batch', '128')).toEqual([128, 128]);
  });
});

describe('contradictions are refused with the remedy', () => {
  it.each<[string, readonly string[], RegExp]>([
    [
      'a batch that is no multiple of the micro-batch',
      ['--batch-size', '100', '--micro-batch', '32'],
      /100 must be a multiple of --micro-batch 32; use --batch-size 96 or 128, or --micro-batch 25$/,
    ],
    [
      'a batch below the micro-batch',
      ['--batch-size', '16', '--micro-batch', '32'],
      /use --batch-size 32, or --micro-batch 16$/,
    ],
    ['a micro-batch that does not divide the usual batch', ['--micro-batch', '50'], /or --micro-batch 64$/],
    [
      'a batch without a usable divisor',
      ['--batch-size', '74'],
      /--batch-size 64 or 96, or --micro-batch 37$/,
    ],
    [
      'milestones of another schedule',
      ['--schedule', 'cosine', '--milestones', '5'],
      /^--milestones 5 has no effect with --schedule cosine; use --schedule multistep, or leave --milestones out$/,
    ],
    [
      'gamma of another schedule',
      ['--schedule', 'constant', '--gamma', '0.5'],
      /^--gamma 0\.5 has no effect with --schedule constant; use --schedule multistep, or leave --gamma out$/,
    ],
    [
      'a warm-up before onecycle',
      ['--schedule', 'onecycle', '--warmup-epochs', '1'],
      /^--warmup-epochs 1 contradicts --schedule onecycle, which warms up by itself; use --warmup-epochs 0$/,
    ],
    [
      'a warm-up as long as the run',
      ['--epochs', '5', '--warmup-epochs', '5'],
      /must be below --epochs 5; use --warmup-epochs 4/,
    ],
    [
      'a final rate above the rate',
      ['--schedule', 'cosine', '--lr', '0.1', '--final-lr', '0.2'],
      /^--final-lr 0\.2 must be below --lr 0\.1; use --final-lr 0$/,
    ],
    [
      'a final rate of another schedule',
      ['--final-lr', '0.01'],
      /^--final-lr 0\.01 has no effect with --schedule multistep; use --schedule cosine or triangular, or leave --final-lr out$/,
    ],
    ['Nesterov without momentum', ['--nesterov', '--momentum', '0'], /use --momentum 0\.9/],
    [
      'crops without augmentation',
      ['--no-augment', '--crop-padding', '2'],
      /^--crop-padding 2 has no effect with --no-augment; leave --no-augment out, or leave --crop-padding out$/,
    ],
    [
      'patience without validation',
      ['--val-size', '0', '--patience', '3'],
      /^--patience 3 needs validation samples, and there are none with --val-size 0; use --patience 0$/,
    ],
  ])('%s', (_what, args, message) => {
    expect(refused(...args).message).toMatch(message);
  });

  it('whether they stand in a file or in flags', () => {
    refused('--config', configFile({ schedule: 'cosine', gamma: 0.5 }));
    refused('--config', configFile({ schedule: 'cosine' }), '--gamma', '0.5');
    refused('--config', configFile({ batchSize: 100, microBatch: 32 }));
  });

  it('and only what contradicts: the defaults of other schedules do not', () => {
    for (const schedule of ['cosine', 'onecycle', 'constant', 'multistep']) resolve('--schedule', schedule);
    resolve('--no-augment');
    resolve('--val-size', '0');
    resolve('--val-size', '0', '--patience', '0');
    resolve('--batch-size', '100', '--micro-batch', '50');
    resolve('--epochs', '5', '--warmup-epochs', '4.5');
  });

  it('resuming in another folder, or with a config file', () => {
    const session = (...args: string[]): unknown => sessionOptionsOf(parsed(args));
    expect(thrownBy('E_OPTION', () => session('--resume', 'a', '--run-dir', 'b')).message).toMatch(
      /--run-dir b out/,
    );
    expect(refused('--resume', 'a', '--config', 'c').message).toMatch(/--config c out/);
    expect(session('--resume', 'a', '--json')).toEqual({
      resume: 'a',
      runDir: undefined,
      test: false,
      json: true,
    });
  });
});

describe('malformed flags', () => {
  it.each([
    ['--epochs', 'many'],
    ['--lr', '0'],
    ['--seed', '-1'],
    ['--model', 'resnet18'],
    ['--dataset', 'imagenet'],
    ['--engine', 'cuda'],
    ['--dropout', '1'],
    ['--momentum', '1'],
    ['--workers', '0'],
    ['--checkpoint-every', '0'],
  ])('%s %s is refused as E_OPTION, naming flag and value', (flag, value) => {
    const { message } = thrownBy('E_OPTION', () => parsed([flag, value]));
    expect(message).toContain(`${flag} ${value} must be`);
    expect(message).toContain(`for example ${flag}`);
  });
});
