/** An evaluation as text: the figures, accuracy by class, what is taken for what, and the worst images. */

import type { EvaluationOutcome, JudgedImage } from '../../session/index.js';
import { cutToColumns } from './columns.js';
import { tableLines } from './table.js';
import type { Column } from './table.js';
import { percent } from './text.js';

const DASH = '-';
/** More classes make no table that can be read. */
const MOST_CLASSES = 20;
const WORST_SHOWN = 10;
const USUAL_COLUMNS = 100;

export function evaluationLines(
  outcome: EvaluationOutcome,
  terminalColumns: number | undefined,
): readonly string[] {
  const { model, epoch, checkpoint, dataset, weightsSha256, calibration, savedAs } = outcome;
  return [
    `${model} after epoch ${epoch} (${checkpoint}, sha256 ${weightsSha256})`,
    `${dataset} test set, ${outcome.testSamples} images: accuracy ${percent(outcome.testAccuracy)}, loss ${outcome.testLoss.toFixed(4)}`,
    `calibration: mean confidence ${percent(calibration.meanConfidence)}, expected calibration error ${percent(calibration.expectedError)}`,
    '',
    ...classLines(outcome),
    ...confusionLines(outcome, terminalColumns ?? USUAL_COLUMNS),
    '',
    ...worstLines(outcome),
    ...(savedAs === null ? [] : ['', `saved as ${savedAs}`]),
  ];
}

interface ClassRow {
  readonly name: string;
  readonly samples: number;
  readonly recall: number | null;
  readonly precision: number | null;
  readonly takenFor: string;
}

const CLASS_COLUMNS: readonly Column<ClassRow>[] = [
  { title: 'class', text: ({ name }) => name },
  { title: 'images', align: 'right', text: ({ samples }) => String(samples) },
  { title: 'accuracy', align: 'right', text: ({ recall }) => share(recall) },
  { title: 'precision', align: 'right', text: ({ precision }) => share(precision) },
  { title: 'most often taken for', text: ({ takenFor }) => takenFor },
];

/** Of many classes the worst. */
function classLines({ classes, confusion }: EvaluationOutcome): readonly string[] {
  const rows = classes.map(({ name, samples, recall, precision }, label) => {
    const mistakes = confusion[label]!.map((count, predicted) => (predicted === label ? 0 : count));
    const most = Math.max(0, ...mistakes);
    const takenFor =
      most === 0 ? DASH : `${classes[mistakes.indexOf(most)]!.name} (${percent(most / samples)})`;
    return { name, samples, recall, precision, takenFor };
  });
  if (rows.length <= MOST_CLASSES) return tableLines(CLASS_COLUMNS, rows);
  const worst = [...rows].sort((a, b) => (a.recall ?? 1) - (b.recall ?? 1)).slice(0, MOST_CLASSES);
  return [
    ...tableLines(CLASS_COLUMNS, worst),
    `(the ${MOST_CLASSES} worst of ${rows.length} classes; all with --json)`,
  ];
}

/** Nothing where the table would not fit. */
function confusionLines(
  { classes, confusion }: EvaluationOutcome,
  terminalColumns: number,
): readonly string[] {
  if (classes.length > MOST_CLASSES) return [];
  const rows = classes.map(({ name }, label) => ({ name, counts: confusion[label]! }));
  type Row = (typeof rows)[number];
  const columns: readonly Column<Row>[] = [
    { title: '', text: ({ name }) => name },
    ...classes.map(({ name }, predicted): Column<Row> => ({
      title: cutToColumns(name, WIDEST_TITLE),
      align: 'right',
      text: ({ counts }) => String(counts[predicted]),
    })),
  ];
  const lines = tableLines(columns, rows);
  if (lines.some((line) => line.length > terminalColumns)) return [];
  return ['', 'confusion matrix (a row an actual class, a column what it was taken for)', ...lines];
}

const WIDEST_TITLE = 5;

function worstLines({ classes, worstImages }: EvaluationOutcome): readonly string[] {
  const nameOf = (label: number): string => classes[label]!.name;
  const columns: readonly Column<JudgedImage>[] = [
    { title: 'image', align: 'right', text: ({ index }) => String(index) },
    { title: 'loss', align: 'right', text: ({ loss }) => loss.toFixed(2) },
    { title: 'is', text: ({ label }) => nameOf(label) },
    {
      title: 'taken for',
      text: ({ predicted, confidence }) => `${nameOf(predicted)} (${percent(confidence)})`,
    },
  ];
  const shown = worstImages.slice(0, WORST_SHOWN);
  const file: Column<JudgedImage> = { title: 'file', text: ({ file: path = DASH }) => path };
  const hasFiles = shown.some((image) => image.file !== undefined);
  return ['images of the highest loss', ...tableLines(hasFiles ? [...columns, file] : columns, shown)];
}

function share(value: number | null): string {
  return value === null ? DASH : percent(value);
}
