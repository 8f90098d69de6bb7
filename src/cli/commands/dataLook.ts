/** `lockstep data show` and `lockstep data stats`: what any data set holds. */

import path from 'node:path';
import type { Command } from 'commander';
import {
  checkRecipeFitsImages,
  ioError,
  largestCropPadding,
  RECIPE_OPTIONS,
  writeNewFile,
} from '../../coordinator/index.js';
import {
  augmentationKey,
  contactSheet,
  countLabels,
  gatherSamples,
  labelsOf,
  makeFolders,
  openAnySource,
  reportSource,
  SHEET_COLUMNS,
} from '../../data/index.js';
import type { ImageSet, PartReport } from '../../data/index.js';
import { count } from '../../foundation/count.js';
import { LockstepError } from '../../foundation/errors.js';
import { encodePng } from '../../foundation/png.js';
import { flag, integer, text, variant } from '../../foundation/options/definition.js';
import type { ValuesOf } from '../../foundation/options/definition.js';
import { leaveOut, OptionError, use } from '../../foundation/options/optionError.js';
import { printable } from '../../foundation/printable.js';
import { jsonSetting } from '../../session/index.js';
import { imageLines } from '../display/showImage.js';
import { tableLines } from '../display/table.js';
import { entriesOf } from '../options/optionTable.js';
import { declareOptions } from '../options/trainingOptions.js';
import { refuseUnwritable } from '../process/newFile.js';
import { print, printDrawn, printJson } from '../process/terminal.js';
import { lookAt, SOURCE_SETTINGS, sourceOf } from './dataSource.js';

const { cropPadding, border, cutout, colourJitter, mixup, seed } = RECIPE_OPTIONS;
const USUAL_COUNT = 3;
const USUAL_SHEET_COUNT = 40;
const MOST_IMAGES = 1000;

const SHOW_SETTINGS = {
  ...SOURCE_SETTINGS,
  from: integer({ group: 'Data', placeholder: 'index', min: 0, default: 0, help: 'first image' }),
  count: variant(integer({ group: 'Data', min: 1, max: MOST_IMAGES, default: USUAL_COUNT, help: '' }), {
    default: undefined,
    help: `images to show (default: ${USUAL_COUNT}, in a file ${USUAL_SHEET_COUNT})`,
  }),
  save: text<string | undefined>({
    group: 'Data',
    placeholder: 'file',
    default: undefined,
    help: 'write a new PNG file instead: each image, and below it as training sees it',
    example: 'sheet.png',
    isPath: true,
  }),
  augment: flag({ group: 'Data', default: true, help: 'in the file: only the images as they are' }),
  cropPadding: variant(cropPadding, { default: 4, help: 'in the file: padding of random crops' }),
  border: variant(border, { default: 'zero', help: 'in the file: what the padding holds' }),
  cutout: variant(cutout, {
    default: 0,
    help: 'in the file: side of the square that is set to the mean colour',
  }),
  colourJitter: variant(colourJitter, { default: 0, help: 'in the file: how far colours are changed' }),
  mixup: variant(mixup, {
    default: 0,
    help: 'in the file: mix the images in pairs, in a share from Beta(alpha, alpha)',
  }),
  seed: variant(seed, { default: 1, help: 'in the file: decides crops and flips' }),
};

const OF_TRAINING = new Set(['cropPadding', 'border', 'cutout', 'colourJitter', 'mixup', 'seed']);

const STATS_SETTINGS = { ...SOURCE_SETTINGS, json: jsonSetting('print the report as JSON') };

type ShowOptions = ValuesOf<typeof SHOW_SETTINGS>;

export function addShowCommand(data: Command): void {
  const command = data
    .command('show')
    .description(
      'print class counts and a few training images as coloured text, or write images into a PNG file',
    );
  declareOptions(command, entriesOf(SHOW_SETTINGS));
  command.action(() =>
    lookAt(sourceOf(command), { json: false }, async ({ name, options }) => {
      const raw = command.opts<ShowOptions>();
      refuseWithoutEffect(command, raw);
      if (raw.save !== undefined) refuseUnwritable(path.resolve(raw.save)); // pictures may take long to decode
      const { training } = await openAnySource(name, options);
      const isGiven = command.getOptionValueSource('cropPadding') === 'cli';
      const cropPadding = isGiven
        ? raw.cropPadding
        : Math.min(raw.cropPadding, largestCropPadding(training.imageShape));
      await show(training, { ...raw, cropPadding });
    }),
  );
}

/** How training sees the images is shown in the file alone. @throws OptionError */
function refuseWithoutEffect(command: Command, { save, augment, ...options }: ShowOptions): void {
  const given = Object.entries(options).find(
    ([key]) => OF_TRAINING.has(key) && command.getOptionValueSource(key) === 'cli',
  );
  const [key, value] = given ?? (augment ? [] : ['augment', false]);
  if (key === undefined || value === undefined) return;
  if (save === undefined) {
    throw new OptionError(
      [
        { option: key, value },
        ' is about the file that ',
        { option: 'save' },
        ' writes, and none was asked for',
      ],
      [use('save', 'sheet.png'), leaveOut(key)],
    );
  }
  if (augment || key === 'augment') return;
  throw new OptionError(
    [{ option: key, value }, ' has no effect with ', { option: 'augment', value: false }],
    [use('augment', true), leaveOut(key)],
  );
}

async function show(set: ImageSet, options: ShowOptions): Promise<void> {
  const { from, save } = options;
  const wanted =
    options.count ?? Math.min(save === undefined ? USUAL_COUNT : USUAL_SHEET_COUNT, set.sampleCount);
  if (from + wanted > set.sampleCount) {
    throw new LockstepError(
      'E_OPTION',
      `--from ${from} --count ${wanted} goes beyond the ${set.sampleCount} images, of which the last is ${set.sampleCount - 1}; use a lower --from or --count`,
    );
  }
  const indices = Array.from({ length: wanted }, (_, place) => from + place);
  print(`${set.name}: ${set.sampleCount} training images\n${classCounts(set)}`);
  if (save !== undefined) return saveSheet(set, indices, { ...options, save });
  for (const index of indices) {
    const { pixels, labels } = gatherSamples(set, [index]);
    print(`\nimage ${index}: ${nameOf(set, labels[0]!)}`);
    printDrawn(imageLines(pixels, set.imageShape).join('\n'));
  }
}

async function saveSheet(
  set: ImageSet,
  indices: readonly number[],
  {
    save,
    augment,
    cropPadding: padding,
    border: edge,
    cutout: side,
    colourJitter: strength,
    mixup: alpha,
    seed: key,
  }: ShowOptions & { readonly save: string },
): Promise<void> {
  const file = path.resolve(save);
  checkRecipeFitsImages({ augment, cropPadding: padding, cutout: side, microBatch: indices.length }, set);
  const augmentation = augment
    ? {
        key: augmentationKey(key, 0, 0, 0),
        ...{ cropPadding: padding, border: edge, cutout: side, colourJitter: strength, mixup: alpha },
      }
    : undefined;
  const png = encodePng(contactSheet(set, { indices, augmentation }));
  await makeFolders(path.dirname(file)).catch((error: unknown) => {
    throw ioError(file, error);
  });
  await writeNewFile(file, png);
  print(`\n${save}: ${count(indices.length, 'image')}, each row of them from left to right:`);
  for (let begin = 0; begin < indices.length; begin += SHEET_COLUMNS) {
    const row = indices.slice(begin, begin + SHEET_COLUMNS);
    print(`  ${row[0]}: ${row.map((index) => nameOf(set, set.labelOf(index))).join(', ')}`);
  }
}

function nameOf(set: ImageSet, label: number): string {
  return printable(set.classNames[label] ?? '?', 40);
}

function classCounts(set: ImageSet): string {
  const counts = countLabels(labelsOf(set), set.classNames.length);
  return set.classNames.map((_, label) => `  ${nameOf(set, label).padEnd(12)} ${counts[label]}`).join('\n');
}

export function addStatsCommand(data: Command): void {
  const command = data
    .command('stats')
    .description('print what each part of a data set holds: images, classes, mean and deviation, checksum');
  declareOptions(command, entriesOf(STATS_SETTINGS));
  command.action(() => {
    const { json } = command.opts<ValuesOf<typeof STATS_SETTINGS>>();
    return lookAt(sourceOf(command), { json }, async ({ name, options }) => {
      const parts = await reportSource(name, options);
      if (json) printJson({ dataset: name, parts });
      else print(statsText(parts));
    });
  });
}

function statsText(parts: readonly PartReport[]): string {
  const counts = parts.map(
    ({ part, images, imageShape: { height, width, channels }, normalisation, contentSha256 }) =>
      [
        `${part}: ${count(images, 'image')} of ${height}x${width}x${channels}`,
        `  mean      ${numbers(normalisation?.mean)}`,
        `  deviation ${numbers(normalisation?.standardDeviation)}`,
        `  sha256    ${contentSha256}`,
      ].join('\n'),
  );
  const names = parts[0]!.classes.map(({ name }) => name);
  const table = tableLines(
    [
      { title: 'class', text: (label: number) => names[label]! },
      ...parts.map(({ part, classes }) => ({
        title: part,
        align: 'right' as const,
        text: (label: number) => classes[label]!.images.toLocaleString('en-US'),
      })),
    ],
    names.map((_, label) => label),
  );
  return [...counts, '', ...table].join('\n');
}

function numbers(values: readonly number[] | undefined): string {
  return values === undefined
    ? 'none: a channel has one value only'
    : values.map((value) => value.toFixed(4)).join('  ');
}
