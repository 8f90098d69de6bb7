/** Builds elements from data. Text is set as text, so nothing that a file says can become markup. */

type Child = Node | string;

interface Attributes {
  readonly class?: string;
  readonly title?: string;
  readonly type?: string;
  readonly scope?: string;
  readonly role?: string;
  readonly 'aria-label'?: string;
  readonly 'aria-sort'?: 'ascending' | 'descending';
  readonly 'aria-selected'?: 'true' | 'false';
}

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

export function button(text: string, onClick: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const made = element('button', { type: 'button', ...attributes }, text);
  made.addEventListener('click', onClick);
  return made;
}

/**
 * Shows a new version of a table in the place of the old one, cell by cell, so that what somebody reads or has selected in
 * the others stays.
 */
export function replaceTable(place: HTMLElement, next: Node): void {
  const cellsOf = (table: Node | null): readonly Element[] =>
    table instanceof HTMLTableElement ? [...table.querySelectorAll('th, td')] : [];
  const [before, after] = [cellsOf(place.firstChild), cellsOf(next)];
  if (after.length === 0 || before.length !== after.length) return place.replaceChildren(next);
  before.forEach((cell, index) => {
    if (!cell.isEqualNode(after[index]!)) cell.replaceWith(after[index]!);
  });
}

/** An element of index.html. */
export function byId<Type extends HTMLElement>(id: string, type: new () => Type): Type {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`index.html has no ${type.name} named ${id}`);
  return found;
}
