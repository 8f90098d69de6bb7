/** One Python class for all blocks of the same structure; the numbers in which they differ are its parameters. */

import type { Layer } from '../../model/index.js';
import { inputsOf } from '../forms.js';
import type { Form, Forms } from '../forms.js';
import type { Block } from './blocks.js';
import { flowLines, FLOW_INPUT } from './flow.js';
import type { FlowStep } from './flow.js';
import { changeForm, moduleSource, slotsOf, stepSource, structureOf } from './layerSource.js';
import type { Slot } from './layerSource.js';
import { isModule } from './names.js';

/** A network, with what the writers of its source need to know. */
export interface Outline {
  readonly layers: readonly Layer[];
  readonly forms: Forms;
  readonly paths: readonly (readonly string[])[];
}

export interface BlockClass {
  readonly source: string;
  /** By block of the class: the call that makes it. */
  readonly calls: ReadonlyMap<Block, string>;
}

export const INDENT = '    ';

/** In the order in which the network uses them. */
export function blockClasses(outline: Outline, blocks: readonly Block[]): readonly BlockClass[] {
  const byStructure = new Map<string, Block[]>();
  for (const block of blocks) {
    const structure = structureOfBlock(outline, block);
    byStructure.set(structure, [...(byStructure.get(structure) ?? []), block]);
  }
  const groups = [...byStructure.values()];
  return groups.map((group, index) =>
    writeClass(outline, group, groups.length === 1 ? 'Block' : `Block${index + 1}`),
  );
}

function structureOfBlock(outline: Outline, block: Block): string {
  const { layers, forms, paths } = outline;
  const lines = layers.slice(block.first, block.end).map((layer, place) => {
    const index = block.first + place;
    const inputs = inputsOf(layer).map((input) => Math.max(FLOW_INPUT, input - block.first));
    return [paths[index]!.at(-1), structureOf(layer), inputs, forms.needs[index], forms.outputs[index]];
  });
  return JSON.stringify([formOf(outline, block.input), lines]);
}

function formOf({ forms }: Outline, index: number): Form {
  return index < 0 ? 'map' : forms.outputs[index]!;
}

function writeClass(outline: Outline, group: readonly Block[], name: string): BlockClass {
  const { layers, forms, paths } = outline;
  const [block] = group as [Block];
  const parameters = parametersOf(layers, group);
  const own = layers.slice(block.first, block.end);
  const modules = own.flatMap((layer, place) => {
    const write = (slot: Slot): string => parameters.textOf(place, slot);
    const index = block.first + place;
    const source = moduleSource(layer, forms.outputs[index]!, write);
    return source === undefined ? [] : [`self.${paths[index]!.at(-1)!} = ${source}`];
  });
  const steps = own.map((layer, place) =>
    stepOf(outline, block.first + place, {
      module: `self.${paths[block.first + place]!.at(-1)!}`,
      placeOf: (input) => Math.max(FLOW_INPUT, input - block.first),
    }),
  );
  const source = classSource(name, `${placesOf(group)}.`, parameters.names, modules, flowLines(steps));
  const calls = new Map(
    group.map((each, instance) => [each, `${name}(${parameters.valuesOf(instance).join(', ')})`]),
  );
  return { source, calls };
}

/** A layer's step of `forward`. */
export function stepOf(
  outline: Outline,
  index: number,
  { module, placeOf }: { readonly module: string; readonly placeOf: (input: number) => number },
): FlowStep {
  const layer = outline.layers[index]!;
  const inputs = inputsOf(layer);
  const need = outline.forms.needs[index]!;
  return {
    inputs: inputs.map(placeOf),
    render: (texts) => {
      const shaped = texts.map((text, place) =>
        formOf(outline, inputs[place]!) === need ? text : changeForm(text, need),
      );
      return stepSource(layer, isModule(layer) ? module : '', shaped);
    },
  };
}

const MOST_NAMED = 3;

function placesOf(group: readonly Block[]): string {
  const names = group.map(({ path }) => path.join('.'));
  return names.length <= MOST_NAMED ? names.join(', ') : `${names[0]!} to ${names.at(-1)!}`;
}

interface Parameters {
  readonly names: readonly string[];
  readonly valuesOf: (instance: number) => readonly number[];
  /** @param place of the layer within the block */
  readonly textOf: (place: number, slot: Slot) => string;
}

/** Numbers that are equal in all blocks are written as they are; those that always go together are one parameter. */
function parametersOf(layers: readonly Layer[], group: readonly Block[]): Parameters {
  const { first, end } = group[0]!;
  const columns = new Map<string, readonly number[]>();
  const bySlot = new Map<string, string>();
  for (let place = 0; place < end - first; place++) {
    const perBlock = group.map((block) => slotsOf(layers[block.first + place]!));
    perBlock[0]!.forEach(({ role }, slot) => {
      const values = perBlock.map((slots) => slots[slot]!.value);
      if (values.every((value) => value === values[0])) return;
      const key = `${role === 'stride' ? role : 'width'} ${values.join(' ')}`;
      columns.set(key, values);
      bySlot.set(`${place} ${role}`, key);
    });
  }
  const names = namesOf([...columns.keys()]);
  const textOf = (place: number, { role, value }: Slot): string =>
    names.get(bySlot.get(`${place} ${role}`) ?? '') ?? String(value);
  const all = [...columns.values()];
  return {
    names: [...names.values()],
    valuesOf: (instance) => all.map((values) => values[instance]!),
    textOf,
  };
}

/** Of two widths the first is that of the input. */
function namesOf(keys: readonly string[]): ReadonlyMap<string, string> {
  const widths = keys.filter((key) => !key.startsWith('stride'));
  const words = widths.length === 1 ? ['channels'] : ['inputs', 'channels'];
  const nameOf = (key: string): string => {
    if (key.startsWith('stride'))
      return numbered('stride', keys.filter((other) => other.startsWith('stride')).indexOf(key));
    const place = widths.indexOf(key);
    return words[place] ?? numbered('channels', place - 1);
  };
  return new Map(keys.map((key) => [key, nameOf(key)]));
}

function numbered(word: string, place: number): string {
  return place === 0 ? word : `${word}${place + 1}`;
}

/** @param about the docstring */
export function classSource(
  name: string,
  about: string,
  parameters: readonly string[],
  modules: readonly string[],
  forward: readonly string[],
): string {
  const within = (lines: readonly string[]): readonly string[] => lines.map((line) => INDENT + INDENT + line);
  return [
    `class ${name}(nn.Module):`,
    `${INDENT}"""${about}"""`,
    '',
    `${INDENT}def __init__(${['self', ...parameters].join(', ')}):`,
    ...within(['super().__init__()', ...modules]),
    '',
    `${INDENT}def forward(self, x):`,
    ...within(forward),
  ].join('\n');
}
