/** The camera: one picture after the other, each when the one before has been answered. */

import type { RawPicture } from '../../join/try/talk.js';
import { frameOf } from './picture.js';

/** Browsers give the camera only to pages that came by TLS, or from this machine. Undefined: it can be asked for. */
export const CAMERA_PROBLEM: string | undefined =
  'mediaDevices' in navigator
    ? undefined
    : 'For the camera, open this page by https, or on the machine that trains.';

export class Camera {
  private stream: MediaStream | undefined;
  /** Counts starts and stops: permission may come when nobody wants it any more. */
  private turn = 0;

  /** @param onPicture the next picture comes when it has settled */
  constructor(private readonly onPicture: (picture: RawPicture) => Promise<void>) {}

  get isOn(): boolean {
    return this.stream !== undefined;
  }

  /** @throws Error if the viewer or the browser refuses */
  async start(): Promise<void> {
    const turn = ++this.turn;
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
    if (turn !== this.turn) return end(stream);
    this.stream = stream;
    const video = document.createElement('video');
    Object.assign(video, { muted: true, playsInline: true, srcObject: stream });
    await video.play();
    void this.follow(video, stream);
  }

  stop(): void {
    this.turn++;
    if (this.stream) end(this.stream);
    this.stream = undefined;
  }

  private async follow(video: HTMLVideoElement, stream: MediaStream): Promise<void> {
    while (this.stream === stream) {
      if (!document.hidden && video.videoWidth > 0) await this.onPicture(frameOf(video));
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
    video.srcObject = null;
  }
}

function end(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}
