/** How the run of this process has ended, and how it goes on. */

import type { LiveView } from '../../../watch/live/api.js';
import { element } from '../dom.js';
import { copyLine } from './controls.js';
import { phaseText } from './phase.js';

/** Empty while the run goes on. */
export function ending(view: LiveView): readonly Node[] {
  if (view.phase !== 'ended') return [];
  const { stoppedBy, resume } = view;
  const title = element(
    'h2',
    {},
    `This run has ${stoppedBy === 'signal' ? 'been stopped' : phaseText(view)}`,
  );
  if (stoppedBy === null) {
    const text = 'Its last line in the terminal names the reason. What was saved is kept.';
    return [title, element('p', {}, text)];
  }
  if (!resume) return [title, element('p', {}, 'Its result is saved. No node is attached any more.')];
  return [
    title,
    element('p', {}, 'Everything is saved, and no node is attached any more. To continue:'),
    copyLine(resume.command, resume.command),
    ...(resume.note === null ? [] : [element('p', { class: 'soft' }, resume.note)]),
  ];
}
