/** In a report: who computed how much, and what an evaluation found. */

import type { Evaluation, Thumbnail } from '../../coordinator/index.js';
import { encodePng } from '../../foundation/png.js';
import type { WorkerShare } from '../folders/runData.js';
import { countText, measureText, momentText } from '../folders/wording.js';
import { html } from './html.js';
import type { Html } from './html.js';
import { percent, table } from './table.js';

/** More classes make no matrix that can be read. */
const MOST_CLASSES = 20;
const IMAGES_SHOWN = 12;

export function workersSection(workers: readonly WorkerShare[]): Html | undefined {
  if (workers.length === 0) return undefined;
  const titles = ['node', 'share', 'samples', 'threads', 'engine', 'device'];
  const rows = workers.map(({ node, share, samples, threads, engine, device }) => ({
    heading: node,
    cells: [percent(share), samples === 0 ? undefined : countText(samples), threads, engine, device],
  }));
  return html`<h3>Who computed how much</h3>
    ${table(titles, rows)}`;
}

export function evaluationSection(evaluation: Evaluation): Html {
  const { testAccuracy, testLoss, testSamples, epoch, evaluatedAt, calibration, weightsSha256 } = evaluation;
  return html`<h3>Evaluation</h3>
    <p>
      ${percent(testAccuracy)} of ${countText(testSamples)} test images right, loss ${measureText(testLoss)};
      expected calibration error ${percent(calibration.expectedError)}, mean confidence
      ${percent(calibration.meanConfidence)}. Weights after epoch ${epoch}, <code>${weightsSha256}</code>,
      evaluated ${momentText(evaluatedAt)}.
    </p>
    ${classTable(evaluation)} ${confusionMatrix(evaluation)} ${worstImages(evaluation)}`;
}

function classTable({ classes }: Evaluation): Html {
  const rows = classes.map(({ name, recall, precision, samples }) => ({
    heading: name,
    cells: [percent(recall), percent(precision), countText(samples)],
  }));
  return table(['class', 'accuracy (recall)', 'precision', 'images'], rows);
}

function confusionMatrix({ classes, confusion }: Evaluation): Html | undefined {
  if (classes.length > MOST_CLASSES) return undefined;
  return html`<h3>Confusion matrix (a row an actual class, a column what it was taken for)</h3>
    <table class="confusion">
      <thead>
        <tr>
          <th></th>
          ${classes.map(({ name }) => html`<th>${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${confusion.map(
          (counts, label) =>
            html`<tr>
              <th scope="row">${classes[label]!.name}</th>
              ${counts.map((count, predicted) =>
                predicted === label
                  ? html`<td class="right">${countText(count)}</td>`
                  : html`<td>${countText(count)}</td>`,
              )}
            </tr>`,
        )}
      </tbody>
    </table>`;
}

function worstImages({ classes, worstImages: images }: Evaluation): Html | undefined {
  const shown = images.filter(({ image }) => image !== undefined).slice(0, IMAGES_SHOWN);
  if (shown.length === 0) return undefined;
  return html`<h3>Images of the highest loss</h3>
    <div class="images">
      ${shown.map(({ index, label, predicted, confidence, loss, image, file }) => {
        const what = `${classes[label]!.name}, taken for ${classes[predicted]!.name} (${percent(confidence)})`;
        return html`<figure>
          <img src="${pictureOf(image!)}" alt="test image ${index}: ${what}" />
          <figcaption>
            ${what}, loss ${measureText(loss)}, no. ${index}${file === undefined ? '' : `, ${file}`}
          </figcaption>
        </figure>`;
      })}
    </div>`;
}

/** The bytes of the file become pixels of a picture made here: no picture of a file reaches a browser. */
function pictureOf({ height, width, channels, pixels }: Thumbnail): string {
  const png = encodePng({ height, width, channels, pixels: Buffer.from(pixels, 'base64') });
  return `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
}
