/** The run of the process that serves this page, as it is at this moment. */

import type { ListedRun, LiveView, MeAnswer } from '../../../watch/live/api.js';
import { byId, replaceTable } from '../dom.js';
import { attachCommand } from './controls.js';
import { glance, phaseText } from './glance.js';
import { departures, nodesTable } from './nodes.js';
import { drawStep, stepTitle } from './stepPicture.js';

export class RunPanel {
  private readonly section = byId('now', HTMLElement);
  private readonly tiles = byId('glance', HTMLElement);
  private readonly nodes = byId('nodes', HTMLElement);
  private readonly departures = byId('departures', HTMLElement);
  private readonly picture = byId('step-picture', HTMLCanvasElement);
  private readonly title = byId('step-title', HTMLElement);
  private departed = '';

  /** @param me who watches */
  show(me: MeAnswer): void {
    this.section.hidden = false;
    byId('attach', HTMLElement).replaceChildren(...attachCommand(me));
    byId('runs-section', HTMLElement).hidden = true;
  }

  draw(view: LiveView, run: ListedRun | undefined): void {
    document.title = `${phaseText(view)} · ${run?.name ?? 'Lockstep'}`;
    this.tiles.replaceChildren(...glance(view, run));
    replaceTable(this.nodes, nodesTable(view));
    this.title.textContent = stepTitle(view);
    this.picture.setAttribute('aria-label', stepTitle(view));
    drawStep(this.picture, view);
    // Texts that somebody may be reading or selecting stay where they are.
    const departed = JSON.stringify([view.gone, view.refusals]);
    if (departed === this.departed) return;
    this.departed = departed;
    this.departures.replaceChildren(...departures(view));
  }
}
