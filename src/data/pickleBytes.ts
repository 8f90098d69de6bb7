/** The bytes of a pickle from first to last: numbers, lines, and stretches of a given length. */

import { PickleError } from './pickleValues.js';

export class PickleBytes {
  private at = 0;
  private readonly view: DataView;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get position(): number {
    return this.at;
  }

  take(length: number): Uint8Array {
    if (length > this.bytes.length - this.at) {
      throw new PickleError(`it ends after ${this.bytes.length} bytes in the middle of a value: truncated`);
    }
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  uint8(): number {
    return this.take(1)[0]!;
  }

  uint16(): number {
    this.take(2);
    return this.view.getUint16(this.at - 2, true);
  }

  int32(): number {
    this.take(4);
    return this.view.getInt32(this.at - 4, true);
  }

  length32(): number {
    this.take(4);
    return this.view.getUint32(this.at - 4, true);
  }

  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end === -1) throw new PickleError('a name has no end: truncated');
    const text = Buffer.from(this.take(end - this.at)).toString('latin1');
    this.at++;
    return text;
  }
}
