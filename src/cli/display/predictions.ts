/** Predictions as a table for people, and as CSV for spreadsheets. */

import type { Prediction, PredictionOutcome } from '../../session/index.js';
import { tableLines } from './table.js';
import { percent } from './text.js';

type Answered = Extract<Prediction, { classes: unknown }>;

/** Images that cannot be read are told apart. */
export function predictionLines({ model, epoch, checkpoint, images }: PredictionOutcome): readonly string[] {
  const answered = images.filter((image): image is Answered => 'classes' in image);
  if (answered.length === 0) return [];
  const nextBest = ({ classes }: Answered): string =>
    classes
      .slice(1)
      .map(({ name, probability }) => `${name} ${percent(probability)}`)
      .join(', ');
  const columns = [
    { title: 'image', text: ({ image }: Answered) => image },
    { title: 'class', text: ({ classes }: Answered) => classes[0]!.name },
    {
      title: 'probability',
      align: 'right',
      text: ({ classes }: Answered) => percent(classes[0]!.probability),
    },
  ] as const;
  const [title, ...rows] = tableLines<Answered>(columns, answered);
  // The rest may be long, and is not cut.
  return [
    `${model} after epoch ${epoch} (${checkpoint})`,
    `${title}  then`,
    ...rows.map((row, index) => `${row}  ${nextBest(answered[index]!)}`),
  ];
}

const CLASSES = 5;

const PLACES = Array.from({ length: CLASSES }, (_, place) => place);

export const CSV_TITLES = [
  'image',
  ...PLACES.flatMap((place) => [`class${place + 1}`, `probability${place + 1}`]),
  'problem',
].join(',');

export function csvLine(prediction: Prediction): string {
  const classes = 'classes' in prediction ? prediction.classes : [];
  const cells = PLACES.flatMap((place) => {
    const found = classes[place];
    return found ? [found.name, String(found.probability)] : ['', ''];
  });
  const problem = 'problem' in prediction ? prediction.problem : '';
  return [prediction.image, ...cells, problem].map(quoted).join(',');
}

/** As RFC 4180 has it. */
function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
