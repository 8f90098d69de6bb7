/** What a viewer can do: copy the command that attaches a machine, stop the run, log out. */

import type { MeAnswer } from '../../../watch/live/api.js';
import { logOut, requestStop } from '../api.js';
import { button, element } from '../dom.js';

/** How long a button says what it has done. */
const SAID_MS = 2_000;
const COPY = 'Copy';

/** Empty where nothing can attach. */
export function attachCommand({ attach, right }: MeAnswer): readonly Node[] {
  if (!attach) return [];
  const note =
    right === 'control' && attach.copied !== attach.shown
      ? 'The copy holds the token.'
      : attach.copied.includes('…')
        ? 'Put the token in place of the dots.'
        : '';
  return [
    element('h3', {}, 'Attach another machine'),
    copyLine(attach.shown, attach.copied),
    ...(note === '' ? [] : [element('p', { class: 'soft' }, note)]),
  ];
}

/** A command to paste elsewhere. */
export function copyLine(shown: string, copied: string): HTMLElement {
  let restoring: ReturnType<typeof setTimeout> | undefined;
  const say = (text: string): void => {
    copy.textContent = text;
    clearTimeout(restoring); // of a click just before: its time would cut this one short
    restoring = setTimeout(() => (copy.textContent = COPY), SAID_MS);
  };
  const copy = button(COPY, () => {
    void copyText(copied).then(
      () => say('Copied'),
      () => say('Not copied: select it by hand'),
    );
  });
  return element('p', { class: 'command' }, element('code', {}, shown), copy);
}

/** Browsers have a clipboard for pages that came by TLS or from this machine; for others there is the older way. */
async function copyText(text: string): Promise<void> {
  if (isSecureContext) return navigator.clipboard.writeText(text);
  const area = element('textarea', { class: 'unseen' });
  area.value = text;
  document.body.append(area);
  area.select();
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- there is no other on such pages
  const isCopied = document.execCommand('copy');
  area.remove();
  if (!isCopied) throw new Error('the browser refused');
}

/**
 * @param onError told what goes wrong
 * @param onLoggedOut called when the session has ended
 */
export function headerButtons(
  { canStop, canLogOut }: MeAnswer,
  onError: (message: string) => void,
  onLoggedOut: () => void,
): readonly Node[] {
  const complain = (error: unknown): void => onError(error instanceof Error ? error.message : String(error));
  const stop = button('Stop', () => void confirmStop().then((isSure) => (isSure ? ask() : undefined)), {
    class: 'stop',
  });
  const ask = async (): Promise<void> => {
    stop.disabled = true;
    await requestStop().catch((error: unknown) => {
      stop.disabled = false;
      complain(error);
    });
  };
  const leave = button('Log out', () => void logOut().then(onLoggedOut, complain));
  return [...(canStop ? [stop] : []), ...(canLogOut ? [leave] : [])];
}

function confirmStop(): Promise<boolean> {
  const dialog = element('dialog', { 'aria-label': 'Stop this run?' });
  const close = (answer: string): void => dialog.close(answer);
  dialog.append(
    element('h2', {}, 'Stop this run?'),
    element(
      'p',
      {},
      'It saves and stops, as with Ctrl-C. It can be resumed later, and ends in the same bits.',
    ),
    element(
      'p',
      { class: 'choices' },
      button('Keep training', () => close('')),
      button('Save and stop', () => close('stop'), { class: 'stop' }),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'stop');
    });
  });
}
