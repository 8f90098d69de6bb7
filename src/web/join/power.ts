/** Keeps the screen on while the tab computes, and tells of the battery, where the browser lets a page do so. */

/** See https://w3c.github.io/battery/; only Chromium has it. */
interface Battery extends EventTarget {
  readonly charging: boolean;
  readonly level: number;
}

export interface BatteryState {
  readonly isCharging: boolean;
  /** From 0 to 1. */
  readonly level: number;
}

/** @returns false where the browser does not tell */
export async function watchBattery(onState: (state: BatteryState) => void): Promise<boolean> {
  const { getBattery } = navigator as { readonly getBattery?: () => Promise<Battery> };
  if (getBattery === undefined) return false;
  try {
    const battery = await getBattery.call(navigator);
    const tell = (): void => onState({ isCharging: battery.charging, level: battery.level });
    for (const event of ['chargingchange', 'levelchange']) battery.addEventListener(event, tell);
    tell();
    return true;
  } catch {
    return false;
  }
}

export class ScreenLock {
  private isWanted = false;
  private lock: WakeLockSentinel | undefined;
  private isRequesting = false;

  constructor() {
    // The browser releases the lock of a page that is hidden.
    document.addEventListener('visibilitychange', () => void this.settle());
  }

  /** Pages of plain HTTP have it on this machine only. */
  static get isPossible(): boolean {
    return 'wakeLock' in navigator;
  }

  set(isWanted: boolean): void {
    this.isWanted = isWanted;
    void this.settle();
  }

  private async settle(): Promise<void> {
    if (!ScreenLock.isPossible) return;
    if (!this.isWanted) return this.release();
    if (document.visibilityState === 'visible' && (this.lock?.released ?? true)) await this.request();
  }

  /** One request at a time: each gives a lock of its own, and only the one that is kept is released. */
  private async request(): Promise<void> {
    if (this.isRequesting) return;
    this.isRequesting = true;
    this.lock = await navigator.wakeLock.request('screen').catch(() => undefined);
    this.isRequesting = false;
    if (!this.isWanted) await this.release();
  }

  private async release(): Promise<void> {
    const { lock } = this;
    this.lock = undefined; // first: a new one may be requested before this one is released
    await lock?.release();
  }
}
