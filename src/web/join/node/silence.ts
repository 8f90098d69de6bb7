/**
 * Notices a coordinator that is gone although the connection seems open: a cut cable, a machine without power. A page neither
 * sees nor sends pings, and a coordinator may have nothing to say for long; so after a silence the page asks its server for
 * anything at all.
 */

import { DEFAULT_HEARTBEAT_TIMEOUT_MS } from '../../../protocol/pages.js';

const CHECK_EVERY_MS = 1000;

export class SilenceWatch {
  private heardAtMs = performance.now();
  private isAsking = false;
  private readonly timer: ReturnType<typeof setInterval>;

  constructor(
    private readonly url: string,
    private readonly onGone: (reason: string) => void,
  ) {
    this.timer = setInterval(() => void this.check(), CHECK_EVERY_MS);
  }

  readonly heard = (): void => {
    this.heardAtMs = performance.now();
  };

  stop(): void {
    clearInterval(this.timer);
  }

  private async check(): Promise<void> {
    if (this.isAsking || performance.now() - this.heardAtMs < DEFAULT_HEARTBEAT_TIMEOUT_MS) return;
    this.isAsking = true;
    try {
      const signal = AbortSignal.timeout(DEFAULT_HEARTBEAT_TIMEOUT_MS);
      await fetch(this.url, { method: 'HEAD', cache: 'no-store', signal });
      this.heard();
    } catch {
      this.onGone(`no sign of life for ${DEFAULT_HEARTBEAT_TIMEOUT_MS / 1000} s`);
    } finally {
      this.isAsking = false;
    }
  }
}
