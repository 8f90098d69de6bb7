/** Try it: an image of the viewer's own, and what the run's current weights say of it. The image does not leave the browser. */

import type { ListedRun } from '../../../watch/live/api.js';
import { LoginNeeded } from '../api.js';
import { button, element } from '../dom.js';
import { percent } from '../format.js';
import { canvasOf } from '../pictures.js';
import { shareBar, table } from '../tables.js';
import { Camera, CAMERA_PROBLEM } from './camera.js';
import { Classifier } from './classifier.js';
import type { Said } from './classifier.js';
import { pictureOf } from './picture.js';
import type { RawPicture } from '../../join/try/talk.js';

export class TryPanel {
  private readonly classifier = new Classifier();
  private readonly answer = element('div', { class: 'tried', role: 'status' });
  private readonly camera = new Camera((picture) => this.show(() => Promise.resolve(picture)));
  private readonly cameraButton = button('', () => this.toggleCamera());
  private run: ListedRun | undefined;
  /** Counts the runs looked into: what belongs to an earlier one is not shown beside another, nor beside itself later. */
  private turn = 0;

  constructor(private readonly place: HTMLElement) {
    // A file that misses the place for it would take the page away.
    for (const kind of ['dragover', 'drop']) window.addEventListener(kind, (event) => event.preventDefault());
  }

  /** @param run undefined if none is looked into */
  of(run: ListedRun | undefined): void {
    const isSame = run?.id === this.run?.id;
    this.run = run;
    if (isSame) return;
    this.turn++;
    this.camera.stop();
    this.answer.replaceChildren();
    this.place.replaceChildren(...(run ? this.parts() : []));
  }

  private parts(): readonly Node[] {
    const file = element('input', { type: 'file', 'aria-label': 'an image of your own' });
    file.accept = 'image/*';
    file.addEventListener('input', () => {
      const [chosen] = file.files ?? [];
      if (chosen) void this.show(() => pictureOf(chosen));
      file.value = ''; // the same once more is asked once more
    });
    const zone = element('div', { class: 'drop' }, 'Drop an image here, or choose one: ', file);
    zone.addEventListener('dragover', () => zone.classList.add('over'));
    zone.addEventListener('dragleave', () => zone.classList.remove('over'));
    zone.addEventListener('drop', ({ dataTransfer }) => {
      zone.classList.remove('over');
      const [dropped] = dataTransfer?.files ?? [];
      if (dropped) void this.show(() => pictureOf(dropped));
    });
    return [
      element('h3', {}, 'Try it'),
      element(
        'p',
        {},
        'What the current weights say of an image of your own, computed in this browser by the engine that trains. The image stays here.',
      ),
      zone,
      this.cameraPart(),
      this.answer,
    ];
  }

  private cameraPart(): Node {
    if (CAMERA_PROBLEM !== undefined) return element('p', { class: 'soft' }, CAMERA_PROBLEM);
    this.labelCameraButton();
    return element('p', {}, this.cameraButton);
  }

  private toggleCamera(): void {
    if (this.camera.isOn) return this.stopCamera();
    const { turn } = this;
    void this.camera
      .start()
      .catch((error: unknown) => this.complain(error, turn))
      .finally(() => this.labelCameraButton());
  }

  private stopCamera(): void {
    this.camera.stop();
    this.labelCameraButton();
  }

  private labelCameraButton(): void {
    this.cameraButton.textContent = this.camera.isOn ? 'Stop the camera' : 'Use the camera';
  }

  private async show(picture: () => Promise<RawPicture>): Promise<void> {
    const { run, turn } = this;
    if (!run) return;
    try {
      const said = await this.classifier.say(run.id, await picture());
      if (turn === this.turn) this.answer.replaceChildren(...answerParts(said));
    } catch (error) {
      if (turn === this.turn) this.stopCamera();
      this.complain(error, turn);
    }
  }

  private complain(error: unknown, turn: number): void {
    if (turn !== this.turn) return;
    const text =
      error instanceof LoginNeeded ? 'log in again' : error instanceof Error ? error.message : String(error);
    this.answer.replaceChildren(element('p', { class: 'bad' }, text));
  }
}

function answerParts({ classes, seen, checkpoint, epoch, tookMs, numericsClass }: Said): readonly Node[] {
  const { height, width } = seen;
  const what = `${checkpoint} weights, after epoch ${epoch}; ${numericsClass}, ${Math.max(1, Math.round(tookMs))} ms`;
  return [
    element(
      'div',
      { class: 'tried-parts' },
      canvasOf(seen, `what the network sees: ${height} × ${width}`),
      table(
        ['Class', 'Probability'],
        classes.map(({ name, probability }) => [name, shareBar(probability, percent(probability))]),
      ),
    ),
    element('p', { class: 'soft' }, what),
    element(
      'p',
      { class: 'soft' },
      `The largest centred part, as ${height} × ${width} pixels: resized as the command "predict" does. A photo (JPEG) may differ a little, as browsers decode those in their own way.`,
    ),
  ];
}
