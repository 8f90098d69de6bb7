/** In the model card: how to train the same weights again. */

import { NONE } from '../coordinator/index.js';
import { DATASET_NAMES } from '../data/index.js';
import { flagName } from '../foundation/commandLine.js';
import { printable } from '../foundation/printable.js';
import { shellWord } from '../foundation/shellWord.js';
import { LOCKSTEP_VERSION } from '../protocol/index.js';
import { code, fenced } from './markdown.js';
import type { ModelFacts } from './modelFacts.js';

/** Every option that decides the weights, and a network that no name makes. */
export const RECIPE_FILE = 'recipe.json';

/** Not as it is called on this machine: the card goes to others, who begin with a checkout. */
const PROGRAM = 'bin/lockstep';

const HOLDS = `${code(RECIPE_FILE)} holds every option that decides the weights.`;
const LONGEST_NAME = 100;

/** Paragraphs. */
export function trainingAgain(facts: ModelFacts): readonly string[] {
  const { dataset } = facts.recipe;
  if (!isOwnName(dataset)) {
    return [
      `${HOLDS} There is no command that trains them again: a program brought the data ${code(dataset)}, and the command line cannot have them. Run that program with the same data and these options.`,
    ];
  }
  return [
    `In a checkout of Lockstep ${LOCKSTEP_VERSION}, with the same data and an engine of the same numerics class, this gives the same weights to the last bit. ${HOLDS}`,
    fenced('', [commandFor(facts)]),
    `Write in place of each ${code('…')} the folder in which that file or folder is${startText(facts)}.${dataText(dataset)}`,
  ];
}

function isOwnName(dataset: string): boolean {
  return (DATASET_NAMES as readonly string[]).includes(dataset);
}

function commandFor({ recipe: { dataset, init }, dataFolder = 'data' }: ModelFacts): string {
  const words = [PROGRAM, 'train', flagName('config'), elsewhere(RECIPE_FILE)];
  if (isInFolder(dataset)) words.push(flagName('dataDir'), elsewhere(printable(dataFolder, LONGEST_NAME)));
  if (init !== NONE) words.push(flagName('init'), elsewhere('weights'));
  return words.join(' ');
}

function isInFolder(dataset: string): boolean {
  return dataset === 'folder' || dataset === 'idx';
}

/** A file or a folder that is somewhere else with every reader. */
function elsewhere(name: string): string {
  const place = `…/${name}`;
  return shellWord(name) === name ? place : shellWord(place);
}

function startText({ recipe: { init } }: ModelFacts): string {
  if (init === NONE) return '';
  return `; ${code('…/weights')} are those that the run began with, a run folder or a file: ${code(init)}`;
}

function dataText(dataset: string): string {
  switch (dataset) {
    case 'cifar10':
      return ` The data are looked for in ${code('data')}, and ${code(`${PROGRAM} data download`)} puts them there.`;
    case 'cifar100':
      return ` The data are looked for in ${code('data')}; ${code(flagName('dataDir'))} names another folder.`;
    default:
      return '';
  }
}
