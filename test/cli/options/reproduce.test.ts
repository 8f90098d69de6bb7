import { beforeAll, expect, it } from 'vitest';
import { reproducingCommand as reproduce } from '../../../src/cli/options/reproduce.js';
import { nameProgram } from '../../../src/foundation/commandLine.js';
import { RECIPE_OPTIONS } from '../../../src/coordinator/index.js';

const DEFAULTS = Object.fromEntries(
  Object.entries(RECIPE_OPTIONS).map(([key, { default: value }]) => [key, value]),
);
const CONFIG = { ...DEFAULTS, dataset: 'cifar10', workers: 2, versions: {} };

const reproducingCommand = (config: Readonly<Record<string, unknown>>, folder: string): string | undefined =>
  reproduce(config, folder)?.command;

beforeAll(() => nameProgram('lockstep'));

it('says what decides the weights and is not the default', () => {
  expect(reproducingCommand(CONFIG, 'runs/a')).toBe('lockstep train --dataset cifar10 --model resnet20');
  const other = { ...CONFIG, lr: 0.2, nesterov: true, augment: false, milestones: [3, 5], trainLimit: null };
  expect(reproducingCommand(other, 'runs/a')).toBe(
    'lockstep train --dataset cifar10 --model resnet20 --lr 0.2 --nesterov --milestones 3,5 --no-augment',
  );
});

it('names the folder of own pictures, which the recipe does not hold', () => {
  const own = { ...CONFIG, dataset: 'folder', dataDir: '/data/my pets', imageSize: 64 };
  expect(reproducingCommand(own, 'runs/a')).toBe(
    "lockstep train --dataset 'folder:/data/my pets' --image-size 64 --model resnet20",
  );
});

it('takes a network of the user from the run, and has no command for data that a program brought', () => {
  const own = { ...CONFIG, model: 'mine', network: { layers: [] } };
  expect(reproducingCommand(own, 'runs/a b')).toBe("lockstep train --config 'runs/a b/config.json'");
  expect(reproducingCommand({ ...CONFIG, dataset: 'mine' }, 'runs/a')).toBeUndefined();
  expect(reproducingCommand({}, 'runs/a')).toBeUndefined();
});

it('has a place for the weights that a run began with, and says which they are', () => {
  const init = `sha256:${'c'.repeat(64)}`;
  const known = reproduce({ ...CONFIG, init, freeze: 'stem' }, 'runs/a');
  expect(known?.command).toBe(
    'lockstep train --dataset cifar10 --model resnet20 --init WEIGHTS --freeze stem',
  );
  expect(known?.note).toContain(init);
  expect(known?.note).toMatch(/^In place of WEIGHTS write the run or the file that it began with/);
  const own = reproduce({ ...CONFIG, init, model: 'mine', network: { layers: [] } }, 'runs/a');
  expect(own?.command).toBe('lockstep train --config runs/a/config.json --init WEIGHTS');
  expect(own?.note).toContain(init);
  expect(reproduce(CONFIG, 'runs/a')?.note).toBeUndefined();
});

it('leaves out what had no effect, which train would refuse', () => {
  const plain = { ...CONFIG, augment: false, cropPadding: 2, border: 'reflect', flip: 'alternating' };
  expect(reproducingCommand(plain, 'runs/a')).toBe(
    'lockstep train --dataset cifar10 --model resnet20 --no-augment',
  );
});
