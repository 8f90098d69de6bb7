/** The limits within which a node that was asked to stop has left, whatever the coordinator does. */

/** An item may have been on its way when the coordinator learned of the wish to leave; not for longer than this. */
const ON_THE_WAY_MS = 10_000;
/** How long a node that holds nothing any more waits to be let go. */
const PATIENCE_MS = 10_000;

export interface DepartureOptions {
  /** Whether the node still computes something, or has it to compute. */
  readonly isBusy: () => boolean;
  readonly leave: (reason: string) => void;
}

export class Departure {
  private beganMs: number | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: DepartureOptions) {}

  begin(): void {
    if (this.beganMs !== undefined) return;
    this.beganMs = performance.now();
    this.look();
  }

  /** Whether an item that comes now is left to others. */
  get isLate(): boolean {
    return this.beganMs !== undefined && performance.now() - this.beganMs > ON_THE_WAY_MS;
  }

  end(): void {
    clearTimeout(this.timer);
  }

  private look(): void {
    this.timer = setTimeout(() => {
      if (this.options.isBusy()) this.look();
      else this.options.leave('the coordinator did not say goodbye');
    }, PATIENCE_MS);
  }
}
