/** What an evaluation found: accuracy by class, what is taken for what, calibration, and the images of the highest loss. */

import type { EvaluationAnswer } from '../../watch/live/api.js';
import { element } from './dom.js';
import { count, DASH, moment, percent, short } from './format.js';
import { imageCanvas } from './pictures.js';
import { reliabilityDiagram } from './reliability.js';
import { shareBar, table } from './tables.js';

/** More make no matrix that can be read: then the most frequent mistakes are listed. */
const MOST_CLASSES = 20;
const MISTAKES_LISTED = 20;

export function evaluationPanel(evaluation: EvaluationAnswer): readonly Node[] {
  const { testAccuracy, testLoss, testSamples, epoch, evaluatedAt, calibration, classes } = evaluation;
  const what =
    `${percent(testAccuracy)} of ${count(testSamples)} test images right, loss ${short(testLoss)}; ` +
    `weights after epoch ${epoch}, evaluated ${moment(evaluatedAt)}`;
  return [
    element('h3', {}, 'Evaluation'),
    element('p', {}, what),
    element(
      'div',
      { class: 'columns' },
      element('div', {}, element('h4', {}, 'Accuracy by class'), classTable(evaluation)),
      element(
        'div',
        {},
        ...(classes.length <= MOST_CLASSES
          ? [element('h4', {}, 'Confusion matrix'), confusionMatrix(evaluation)]
          : [element('h4', {}, 'Most frequent mistakes'), mistakes(evaluation)]),
      ),
    ),
    element('h4', {}, 'Images of the highest loss'),
    worstImages(evaluation),
    element('h4', {}, 'Calibration'),
    element(
      'p',
      {},
      `Expected calibration error ${percent(calibration.expectedError)}; mean confidence ${percent(calibration.meanConfidence)}, ` +
        `accuracy ${percent(testAccuracy)}.`,
    ),
    reliabilityDiagram(calibration),
  ];
}

function classTable({ classes }: EvaluationAnswer): Node {
  const rows = classes.map(({ name, samples, recall, precision }) => [
    name,
    recall === null ? DASH : shareBar(recall, percent(recall)),
    percent(precision),
    count(samples),
  ]);
  return table(['class', 'accuracy (recall)', 'precision', 'images'], rows);
}

function confusionMatrix({ classes, confusion }: EvaluationAnswer): Node {
  const names = classes.map(({ name }) => name);
  const head = element(
    'tr',
    {},
    element('th', { scope: 'col' }, 'is \\ taken for'),
    ...names.map((name) => element('th', { scope: 'col', title: name }, element('span', {}, name))),
  );
  const rows = confusion.map((counts, label) => {
    const total = counts.reduce((sum, each) => sum + each, 0);
    const cells = counts.map((images, predicted) => {
      const title = `${count(images)} of ${count(total)} images of ${names[label]} taken for ${names[predicted]}`;
      const cell = element('td', { class: label === predicted ? 'right' : 'wrong', title }, count(images));
      // By the root of the share: few mistakes are to be seen, too.
      const strength = total === 0 ? 0 : Math.sqrt(images / total);
      cell.style.setProperty('--strength', `${(70 * strength).toFixed(1)}%`);
      return cell;
    });
    return element('tr', {}, element('th', { scope: 'row' }, names[label]!), ...cells);
  });
  const made = element('div', { class: 'scroll' });
  made.tabIndex = 0;
  made.append(
    element('table', { class: 'confusion' }, element('thead', {}, head), element('tbody', {}, ...rows)),
  );
  return made;
}

function mistakes({ classes, confusion }: EvaluationAnswer): Node {
  const rows = confusion
    .flatMap((counts, label) =>
      counts
        .map((images, predicted) => ({ images, label, predicted }))
        .filter((each) => each.predicted !== label),
    )
    .sort((a, b) => b.images - a.images)
    .slice(0, MISTAKES_LISTED)
    .map(({ images, label, predicted }) => [classes[label]!.name, classes[predicted]!.name, count(images)]);
  return table(['is', 'taken for', 'images'], rows);
}

function worstImages({ classes, worstImages: images }: EvaluationAnswer): Node {
  const figures = images.map(({ index, label, predicted, confidence, loss, image, file }) => {
    const [is, taken] = [classes[label]!.name, classes[predicted]!.name];
    const what = `${is}, taken for ${taken}`;
    return element(
      'figure',
      {},
      ...(image ? [imageCanvas(image, `test image ${index}: ${what}`)] : []),
      element(
        'figcaption',
        {},
        element('b', {}, is),
        ` taken for ${taken} (${percent(confidence)})`,
        element('small', {}, `loss ${short(loss)}, no. ${index}${file === undefined ? '' : `, ${file}`}`),
      ),
    );
  });
  return element('div', { class: 'images' }, ...figures);
}
