/** What is fetched for the run that is looked into alone: its evaluations, and the filters of its first layer. */

import type { FiltersAnswer, ListedRun, RunAnswer } from '../../watch/live/api.js';
import { fetchEvaluation, fetchFilters, Refused } from './api.js';
import { element } from './dom.js';
import { evaluationPanel } from './evaluationPanel.js';
import { filterCanvases } from './pictures.js';
import { TryPanel } from './tryIt/tryPanel.js';

/** Instead of an answer: there was none, or not from the server itself. The next time there may be one. */
const FAILED = 'failed';

/** Each section is drawn again only if what it shows has changed: tables that are scrolled would jump. */
export class RunPanels {
  private readonly evaluation = element('section', { 'aria-label': 'evaluation' });
  private readonly filters = element('section', { 'aria-label': 'first layer' });
  private readonly tried = element('section', { 'aria-label': 'try it' });
  private readonly tryPanel = new TryPanel(this.tried);
  private drawnEvaluation = '';
  private drawnFilters = '';
  /** The evaluation that was chosen, by run. */
  private readonly chosen = new Map<string, string>();

  constructor(place: HTMLElement) {
    place.replaceChildren(this.tried, this.evaluation, this.filters);
  }

  /** @param run undefined if none is looked into */
  async show(run: ListedRun | undefined, answer: RunAnswer | undefined): Promise<void> {
    this.tryPanel.of(answer && run);
    if (!run || !answer) {
      this.evaluation.replaceChildren();
      this.filters.replaceChildren();
      this.drawnEvaluation = this.drawnFilters = '';
      return;
    }
    await Promise.all([this.showEvaluation(answer), this.showFilters(run)]);
  }

  private async showEvaluation({ id, evaluations }: RunAnswer): Promise<void> {
    const chosen = this.chosen.get(id);
    const name = chosen !== undefined && evaluations.includes(chosen) ? chosen : evaluations[0];
    const state = JSON.stringify([id, name, evaluations]);
    if (state === this.drawnEvaluation) return;
    this.drawnEvaluation = state;
    const answer = name === undefined ? undefined : await answerOrFailed(fetchEvaluation(id, name));
    if (state !== this.drawnEvaluation) return; // another run was chosen meanwhile
    if (answer === FAILED) this.drawnEvaluation = ''; // so it is fetched again
    this.evaluation.replaceChildren(
      ...this.chooser(id, name ?? '', evaluations),
      ...(answer === undefined || answer === FAILED
        ? hint(name, answer === FAILED)
        : evaluationPanel(answer)),
    );
  }

  /** For runs that were evaluated several times. */
  private chooser(id: string, name: string, evaluations: readonly string[]): readonly Node[] {
    if (evaluations.length < 2) return [];
    const select = element('select', {});
    select.append(
      ...evaluations.map((each) => {
        const option = element('option', {}, each.replace(/^evaluation-|\.json$/g, ''));
        option.value = each;
        option.selected = each === name;
        return option;
      }),
    );
    select.addEventListener('input', () => {
      this.chosen.set(id, select.value);
      void this.showEvaluation({ id, evaluations } as RunAnswer);
    });
    return [element('label', { class: 'chooser' }, 'Evaluation ', select)];
  }

  /** They change with the best epoch. */
  private async showFilters({ id, bestEpoch, epochsCompleted }: ListedRun): Promise<void> {
    const state = JSON.stringify([id, bestEpoch, bestEpoch === null ? epochsCompleted : null]);
    if (state === this.drawnFilters) return;
    this.drawnFilters = state;
    const filters = await answerOrFailed(fetchFilters(id));
    if (state !== this.drawnFilters) return;
    if (filters === FAILED) this.drawnFilters = ''; // so they are fetched again
    this.filters.replaceChildren(...(filters && filters !== FAILED ? filterPanel(filters) : []));
  }
}

/** @returns undefined if the server refuses: asking again would not help */
async function answerOrFailed<Answer>(answer: Promise<Answer>): Promise<Answer | undefined | typeof FAILED> {
  return answer.catch((error: unknown) => (error instanceof Refused ? undefined : FAILED));
}

/**
 * @param name the file that is not shown; undefined: there is none
 * @param hasFailed whether it could not be fetched, and may be fine
 */
function hint(name: string | undefined, hasFailed: boolean): readonly Node[] {
  return [element('h3', {}, 'Evaluation'), element('p', { class: 'empty' }, hintText(name, hasFailed))];
}

function hintText(name: string | undefined, hasFailed: boolean): string {
  if (name === undefined)
    return 'This run has not been evaluated: the command "evaluate" with its folder tells what it gets wrong, and it appears here.';
  return hasFailed
    ? `${name} could not be fetched; trying again.`
    : `${name} is damaged, and is not shown; evaluate the run again.`;
}

function filterPanel(filters: NonNullable<FiltersAnswer>): readonly Node[] {
  const { name, checkpoint, height, width, channels, filters: count } = filters;
  return [
    element('h3', {}, 'First layer'),
    element(
      'p',
      {},
      `${count} filters of ${height} × ${width} × ${channels} (${name}, ${checkpoint} weights); grey is 0`,
    ),
    element('div', { class: 'filters' }, ...filterCanvases(filters)),
  ];
}
