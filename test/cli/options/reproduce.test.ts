import { beforeAll, expect, it } from 'vitest';
import { reproducingCommand } from '../../../src/cli/options/reproduce.js';
import { nameProgram } from '../../../src/foundation/commandLine.js';
import { RECIPE_OPTIONS } from '../../../src/coordinator/index.js';

const DEFAULTS = Object.fromEntries(
  Object.entries(RECIPE_OPTIONS).map(([key, { default: value }]) => [key, value]),
);
const CONFIG = { ...DEFAULTS, dataset: 'cifar10', workers: 2, versions: {} };

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
