/** `--recipe`: what it stands for, and what wins over it. */

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Command, CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { inFlags } from '../../../src/cli/options/inFlags.js';
import { TRAIN_OPTIONS } from '../../../src/cli/options/optionTable.js';
import { declareRunOptions } from '../../../src/cli/options/runOptions.js';
import { declareOptions, resolveTrainingOptions } from '../../../src/cli/options/trainingOptions.js';
import { buildProgram } from '../../../src/cli/main.js';
import {
  RECIPE_PRESETS,
  recipeNotices,
  recipeRemarks,
  requestRecipe,
  settleRecipe,
} from '../../../src/coordinator/index.js';
import type { LockstepError } from '../../../src/foundation/errors.js';
import type { TrainingOptions } from '../../../src/session/index.js';
import { thrownBy } from '../../support/errors.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

function resolve(...args: readonly string[]): TrainingOptions {
  const command = new Command('train').exitOverride().configureOutput({ writeErr: () => undefined });
  declareOptions(command, TRAIN_OPTIONS);
  declareRunOptions(command);
  command.action(() => undefined).parse([...args], { from: 'user' });
  return resolveTrainingOptions(command, TRAIN_OPTIONS);
}

const refused = (...args: string[]): string =>
  (inFlags(thrownBy('E_OPTION', () => resolve(...args))) as LockstepError).message;

function configFile(content: object): string {
  const file = path.join(temporaryFolder(), 'recipe.json');
  writeFileSync(file, JSON.stringify(content));
  return file;
}

const MODERN = ['--recipe', 'modern'] as const;
const NAMES = RECIPE_PRESETS.map(({ name }) => name).join(', ');

describe('a known recipe', () => {
  it('of the paper: 0.1 and 0.9, batches of 128, decay 1e-4, steps at 32,000 and 48,000 of 64,000', () => {
    const { recipe } = resolve('--recipe', 'paper');
    const stepsPerEpoch = Math.ceil((50_000 - recipe.valSize) / recipe.batchSize);
    const inSteps = [...recipe.milestones, recipe.epochs].map((epoch) => epoch * stepsPerEpoch);
    for (const [index, wanted] of [32_000, 48_000, 64_000].entries()) {
      expect(Math.abs(inSteps[index]! - wanted)).toBeLessThan(stepsPerEpoch / 2);
    }
    expect(recipe).toMatchObject({
      ...{ lr: 0.1, momentum: 0.9, nesterov: false, weightDecay: 1e-4, batchSize: 128, gamma: 0.1 },
      ...{ schedule: 'multistep', valSize: 5000, cropPadding: 4, augment: true, model: 'resnet20' },
    });
  });

  it('of the notebook brings its network, and stops early', () => {
    const { recipe, network } = resolve('--recipe', 'notebook');
    expect(recipe).toMatchObject({
      model: 'notebook',
      lr: 0.1,
      momentum: 0.9,
      schedule: 'multistep',
      patience: 20,
    });
    expect(network).toEqual({ kind: 'preset', name: 'notebook' });
    expect(resolve('--recipe', 'notebook', '--model', 'resnet8').network).toEqual({
      kind: 'preset',
      name: 'resnet8',
    });
  });

  it('that is modern has a cosine to 0, Nesterov momentum and a decay of 5e-4', () => {
    expect(resolve(...MODERN).recipe).toMatchObject({
      ...{ schedule: 'cosine', finalLr: 0, nesterov: true, weightDecay: 5e-4, epochs: 200, batchSize: 256 },
      ...{ seed: 1, dropout: 0 },
    });
  });

  it.each(RECIPE_PRESETS)('contradicts neither itself nor a rule: $name', ({ name, options }) => {
    const { recipe, given } = resolve('--recipe', name);
    const settled = settleRecipe(recipe, 'cifar10');
    expect(requestRecipe(options)).toEqual(recipe);
    expect([...recipeNotices(settled, given), ...recipeRemarks(settled, given)]).toEqual([]);
  });

  it('is in the help of both commands that train, and no flag of the opposite is', () => {
    for (const name of ['train', 'coordinator']) {
      let text = '';
      const command = buildProgram().commands.find((each) => each.name() === name)!;
      command.configureOutput({ writeOut: (written) => (text += written) }).outputHelp();
      for (const { name: recipe, summary } of RECIPE_PRESETS)
        expect(text).toMatch(new RegExp(`${recipe} +${summary}`));
      expect(text).not.toContain('--no-nesterov');
    }
  });
});

describe('what stands beside a known recipe', () => {
  it('wins: a flag over a file, a file over the recipe, the recipe over the defaults', () => {
    const file = configFile({ lr: 0.3, epochs: 30, weightDecay: 1e-3 });
    const { recipe, given } = resolve(...MODERN, '--config', file, '--epochs', '3');
    expect(recipe).toMatchObject({ epochs: 3, lr: 0.3, weightDecay: 1e-3, batchSize: 256, microBatch: 32 });
    expect([...given].sort()).toEqual(['epochs', 'lr', 'recipe', 'weightDecay']);
  });

  it('wins even where it is the default', () => {
    expect(resolve(...MODERN, '--batch-size', '128', '--schedule', 'multistep').recipe).toMatchObject({
      ...{ batchSize: 128, schedule: 'multistep', milestones: [100, 150], nesterov: true },
    });
    expect(resolve(...MODERN, '--config', configFile({ nesterov: false })).recipe.nesterov).toBe(false);
  });

  it('may take a switch back, in a file too', () => {
    expect(resolve(...MODERN, '--no-nesterov').recipe.nesterov).toBe(false);
    expect(resolve(...MODERN, '--config', configFile({ 'no-nesterov': true })).recipe.nesterov).toBe(false);
    const file = configFile({ augment: false });
    expect(resolve('--config', file, '--augment').recipe.augment).toBe(true);
    expect(resolve('--no-nesterov').recipe.nesterov).toBe(false);
    expect(() => resolve('--no-test')).toThrow(CommanderError);
  });

  it('may name the recipe in a file, and another by the flag', () => {
    const file = configFile({ recipe: 'paper', lr: 0.2 });
    expect(resolve('--config', file).recipe).toMatchObject({ lr: 0.2, epochs: 182 });
    expect(resolve('--config', file, ...MODERN).recipe).toMatchObject({
      lr: 0.2,
      epochs: 200,
      nesterov: true,
    });
  });

  it('is held to the schedule of the recipe', () => {
    expect(refused(...MODERN, '--gamma', '0.5')).toMatch(/--gamma 0.5 has no effect with --schedule cosine/);
    expect(resolve('--recipe', 'paper', '--schedule', 'onecycle').recipe.schedule).toBe('onecycle');
    expect(resolve('--recipe', 'notebook', '--val-size', '0').recipe.patience).toBe(20);
  });

  it('may be a batch that the micro-batch of the recipe does not divide', () => {
    const sizes = (...args: string[]): readonly number[] => {
      const { batchSize, microBatch } = resolve('--recipe', 'paper', ...args).recipe;
      return [batchSize, microBatch];
    };
    expect(sizes()).toEqual([128, 64]);
    expect(sizes('--batch-size', '192')).toEqual([192, 64]);
    expect(sizes('--batch-size', '96')).toEqual([96, 32]);
    expect(sizes('--batch-size', '96', '--micro-batch', '48')).toEqual([96, 48]);
  });

  it('may be fewer epochs, with a notice if the rate then never falls', () => {
    const { recipe, given } = resolve('--recipe', 'paper', '--epochs', '100');
    expect(recipeNotices(settleRecipe(recipe, 'cifar10'), given)).toEqual([
      expect.stringMatching(/^the milestone 136 will never be reached: the run has 100 epochs/),
    ]);
  });
});

describe('--width', () => {
  it('is a network of the model that has so many times the channels, by its own name', () => {
    const { recipe, network } = resolve('--model', 'resnet32', '--width', '4');
    expect([recipe.model, network]).toEqual(['resnet32x4', { kind: 'preset', name: 'resnet32x4' }]);
    expect(resolve('--config', configFile({ width: 2 })).recipe.model).toBe('resnet20x2');
    expect(resolve('--width', '1').recipe.model).toBe('resnet20');
    expect(resolve('--model', 'preresnet20b', '--width', '3').recipe.model).toBe('preresnet20x3b');
    expect(resolve('--config', configFile({ width: 2 }), '--width', 'none').recipe.model).toBe('resnet20');
  });

  it('is refused where a network has no width, or one already, and beside a run', () => {
    for (const model of ['notebook', 'fast94', 'wrn-16-4', 'resnet20x2']) {
      expect(refused('--model', model, '--width', '4')).toMatch(
        new RegExp(`not for --model ${model}; leave it out`),
      );
    }
    expect(refused('--resume', 'runs/a', '--width', '4')).toMatch(/has its own network; leave --width 4 out/);
    expect(refused('--model', 'own.json', '--width', '4')).toMatch(/not for --model own.json/);
  });
});

describe('an option that contradicts the recipe', () => {
  it('has a remedy that is taken', () => {
    const constant = ['--recipe', 'fast94', '--averaging', 'none', '--schedule', 'constant', '--lr', '0.1'];
    expect(resolve(...constant).recipe).toMatchObject({ schedule: 'constant', lr: 0.1 });
    const onecycle = ['--recipe', 'fast94', '--averaging', 'none', '--schedule', 'onecycle'];
    expect(refused(...onecycle)).toMatch(/warms up by itself; use --warmup-epochs 0$/);
    expect(resolve(...onecycle, '--warmup-epochs', '0').recipe).toMatchObject({ schedule: 'onecycle' });
  });
});

describe('a recipe that is refused', () => {
  it('has no such name', () => {
    expect(refused('--recipe', 'modren')).toBe(
      `--recipe modren must be one of ${NAMES} (did you mean modern?); for example --recipe modern`,
    );
    expect(refused('--recipe', 'resnet20')).toContain(`must be one of ${NAMES}; for example`);
    expect(refused('--config', configFile({ recipe: 'papre' }))).toMatch(
      /"recipe" in .*did you mean paper\?/,
    );
  });

  it('stands beside a run that has all its options', () => {
    expect(refused(...MODERN, '--resume', 'runs/a')).toMatch(
      /--resume runs\/a has all options.*--recipe modern out/,
    );
    const ofARun = configFile({ ...settleRecipe(resolve().recipe, 'cifar10'), versions: {} });
    expect(refused(...MODERN, '--config', ofARun)).toMatch(
      /--config .* has all options .*--recipe modern out/,
    );
  });
});
