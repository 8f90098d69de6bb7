/** Texts as wide as a terminal shows them: Chinese, Japanese and Korean letters and emoji take two columns. */

import stringWidth from 'string-width';

/** The beginning of a text that fits into so many columns; no character is cut in two. */
export function cutToColumns(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text;
  let kept = '';
  let width = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    width += stringWidth(segment);
    if (width > columns) break;
    kept += segment;
  }
  return kept;
}
