/** The run of the process that serves this page, as it is at this moment. */

import type { ListedRun, LiveView, MeAnswer } from '../../../watch/live/api.js';
import { byId, replaceTable } from '../dom.js';
import { attachCommand } from './controls.js';
import { ending } from './ending.js';
import { joinPanel } from './join.js';
import { departures, nodesTable } from './nodes.js';
import { phaseText } from './phase.js';
import { drawStep, stepTitle } from './stepPicture.js';

export class RunPanel {
  private readonly section = byId('now', HTMLElement);
  private readonly end = byId('ending', HTMLElement);
  private readonly crew = byId('crew', HTMLElement);
  private readonly nodes = byId('nodes', HTMLElement);
  private readonly moreBeside = byId('nodes-more', HTMLElement);
  private readonly attach = byId('attach', HTMLElement);
  private readonly departures = byId('departures', HTMLElement);
  private readonly picture = byId('step-picture', HTMLCanvasElement);
  private readonly title = byId('step-title', HTMLElement);
  private departed = '';
  private ended = '';

  /** @param me who watches */
  show(me: MeAnswer): void {
    this.section.hidden = false;
    this.attach.replaceChildren(...attachCommand(me), ...joinPanel(me));
    byId('runs-section', HTMLElement).hidden = true;
  }

  /** Whether what is shown may be out of date, as nothing is heard of the process. */
  markStale(isStale: boolean): void {
    this.section.classList.toggle('stale', isStale);
  }

  draw(view: LiveView, run: ListedRun | undefined): void {
    document.title = `${phaseText(view)} · ${run?.name ?? 'Lockstep'}`;
    this.markStale(false);
    this.drawEnding(view);
    this.drawCrew(view);
    // Texts that somebody may be reading or selecting stay where they are.
    const departed = JSON.stringify([view.gone, view.refusals]);
    if (departed === this.departed) return;
    this.departed = departed;
    this.departures.replaceChildren(...departures(view));
  }

  /** Nobody computes for a run that has ended, and nothing can attach. */
  private drawCrew(view: LiveView): void {
    const isOver = view.phase === 'ended';
    this.crew.hidden = isOver;
    this.attach.hidden = isOver;
    if (isOver) return;
    replaceTable(this.nodes, nodesTable(view));
    this.moreBeside.hidden = this.nodes.scrollWidth <= this.nodes.clientWidth;
    this.title.textContent = stepTitle(view);
    this.picture.setAttribute('aria-label', stepTitle(view));
    drawStep(this.picture, view);
  }

  private drawEnding(view: LiveView): void {
    const ended = JSON.stringify([view.phase === 'ended', view.stoppedBy, view.resume]);
    if (ended === this.ended) return;
    this.ended = ended;
    this.end.replaceChildren(...ending(view));
  }
}
