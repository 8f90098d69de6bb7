/** The wall time of a run: of this process, and of those that worked on the run before. */

export class WallClock {
  private readonly startedMs = performance.now();

  /** @param earlierSeconds the time that earlier processes spent on the run */
  constructor(private readonly earlierSeconds: number) {}

  seconds(): number {
    return this.earlierSeconds + (performance.now() - this.startedMs) / 1000;
  }
}
