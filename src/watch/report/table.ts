/** Tables of the report: a row has a heading and cells. */

import { NOTHING, percentText } from '../folders/wording.js';
import { html } from './html.js';
import type { Content, Html } from './html.js';

export interface Row {
  readonly heading: Content;
  readonly cells: readonly Content[];
}

/** Cells without a value get a dash. */
export function table(titles: readonly string[], rows: readonly Row[]): Html {
  return html`<table>
    <thead>
      <tr>
        ${titles.map((title) => html`<th>${title}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        ({ heading, cells }) =>
          html`<tr>
            <th scope="row">${heading}</th>
            ${cells.map((cell) => html`<td>${cell ?? NOTHING}</td>`)}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** Undefined for none. */
export function percent(share: number | null): string | undefined {
  return share === null ? undefined : percentText(share);
}
