/** How another device joins from its browser: the link, and the same as a code for cameras. For those who control the run. */

import encodeQR from 'qr';
import type { MeAnswer } from '../../../watch/live/api.js';
import { element } from '../dom.js';
import { copyLine } from './controls.js';

/** Empty where no tab can attach. */
export function joinPanel({ join }: MeAnswer): readonly Node[] {
  if (join === null) return [];
  const [page, secret] = join.split('#');
  const open = element('a', {}, 'Compute in a tab of this browser');
  open.href = join;
  open.target = '_blank';
  open.rel = 'noopener';
  const code = element('details', { class: 'join-code' }, element('summary', {}, 'Show it as a QR code'));
  // Drawn when it is looked at: whoever sees it can attach workers.
  code.addEventListener('toggle', () => {
    if (code.open && code.childElementCount === 1) code.append(qrPicture(join));
  });
  return [
    element('h3', {}, 'Join from a browser'),
    copyLine(secret === undefined ? join : `${page}#token=…`, join),
    element('p', { class: 'soft' }, secret === undefined ? WITHOUT_SECRET : WITH_SECRET),
    code,
    element('p', {}, open),
  ];
}

const WITH_SECRET =
  'Any tablet or laptop computes, exactly, while the page is open. Whoever has the link can attach workers; it shows nothing of this page and stops nothing.';
const WITHOUT_SECRET = 'Only browsers on this machine can: the coordinator listens to no other.';

const SVG = 'http://www.w3.org/2000/svg';
/** As the standard asks for: scanners find the code by the light around it. */
const QUIET_ZONE_MODULES = 4;

function qrPicture(text: string): SVGSVGElement {
  const rows = encodeQR(text, 'raw', { ecc: 'medium', border: QUIET_ZONE_MODULES });
  const picture = document.createElementNS(SVG, 'svg');
  picture.setAttribute('viewBox', `0 0 ${rows.length} ${rows.length}`);
  picture.setAttribute('role', 'img');
  picture.setAttribute('aria-label', 'QR code of the link');
  picture.setAttribute('shape-rendering', 'crispEdges');
  const dark = rows.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])));
  for (const [d, fill] of [
    [`M0 0h${rows.length}v${rows.length}h-${rows.length}z`, '#fff'],
    [dark.join(''), '#000'],
  ] as const) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', d);
    path.setAttribute('fill', fill);
    picture.append(path);
  }
  return picture;
}
