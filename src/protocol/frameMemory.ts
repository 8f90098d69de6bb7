/**
 * Memory for large frames while they are put together and read, used again and again. With fresh memory for each, V8 would
 * collect the whole heap after every few dozen megabytes, though the heap itself holds nothing to collect.
 */
export class FrameMemory {
  private readonly free: Uint8Array[] = [];
  private connections = 0;

  /** @param frameBytes the size of the largest frame that may come; every piece of memory has it */
  constructor(readonly frameBytes: number) {}

  /** A connection may borrow one frame at a time, so there is never a use for more pieces than connections. */
  connect(): void {
    this.connections++;
  }

  disconnect(): void {
    this.connections--;
    this.free.splice(this.connections);
  }

  /** Pieces that wait for the next frame. */
  get spareCount(): number {
    return this.free.length;
  }

  borrow(): Uint8Array {
    return this.free.pop() ?? new Uint8Array(this.frameBytes);
  }

  giveBack(memory: Uint8Array): void {
    if (this.free.length < this.connections) this.free.push(memory);
  }
}
