/** Makes a node that was asked to stop leave within a time limit, whatever the coordinator does. */

/** Items sent before the coordinator knew are still accepted for this long. */
const LATE_ITEMS_MS = 10_000;
/** How long a node with nothing left to do waits for `bye`. */
const BYE_TIMEOUT_MS = 10_000;

export interface DepartureOptions {
  /** Whether the node computes items, or has items to compute. */
  readonly isBusy: () => boolean;
  readonly leave: (reason: string) => void;
}

export class Departure {
  private beganMs: number | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: DepartureOptions) {}

  begin(): void {
    if (this.beganMs !== undefined) return;
    this.beganMs = performance.now();
    this.checkLater();
  }

  /** Whether new items are now left to other nodes. */
  get isLate(): boolean {
    return this.beganMs !== undefined && performance.now() - this.beganMs > LATE_ITEMS_MS;
  }

  end(): void {
    clearTimeout(this.timer);
  }

  private checkLater(): void {
    this.timer = setTimeout(() => {
      if (this.options.isBusy()) this.checkLater();
      else this.options.leave('the coordinator did not say goodbye');
    }, BYE_TIMEOUT_MS);
  }
}
