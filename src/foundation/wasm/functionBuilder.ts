/** Emits one WebAssembly function: locals are handles, loops are closures. Parameters are i32; there is no result. */

import type { Code } from './encoding.js';
import { flatten, sized, unsignedLeb128, vectorOf } from './encoding.js';
import { add, constant, memoryArgument, subtract } from './expressions.js';
import type { Expression, I32, V128, ValueType } from './expressions.js';

const TYPE_CODES: Readonly<Record<ValueType, number>> = { i32: 0x7f, f32: 0x7d, v128: 0x7b };
const EMPTY_BLOCK = 0x40;

/** A local variable. As an expression it is its current value. */
export interface Local<T extends ValueType = ValueType> extends Expression<T> {
  readonly index: number;
}

export class FunctionBuilder {
  readonly parameters: readonly Local<'i32'>[];
  private readonly localTypes: ValueType[] = [];
  private readonly body: number[] = [];

  constructor(readonly parameterCount: number) {
    this.parameters = Array.from({ length: parameterCount }, (_, index) => makeLocal('i32', index));
  }

  /** The parameter at `index`, one of those that the kernel was defined with. */
  parameter(index: number): Local<'i32'> {
    const local = this.parameters[index];
    if (local === undefined)
      throw new RangeError(`kernel has ${this.parameterCount} parameters, not ${index + 1}`);
    return local;
  }

  /** A new variable, set to `value` at this point. */
  variable<T extends ValueType>(value: Expression<T>): Local<T> {
    this.localTypes.push(value.type);
    const local = makeLocal(value.type, this.parameterCount + this.localTypes.length - 1);
    this.set(local, value);
    return local;
  }

  set<T extends ValueType>(local: Local<T>, value: Expression<T>): void {
    this.emit([value.code, 0x21, unsignedLeb128(local.index)]);
  }

  /** pointer += byteCount */
  advance(pointer: Local<'i32'>, byteCount: number): void {
    if (byteCount !== 0) this.set(pointer, add(pointer, constant(byteCount)));
  }

  store(address: I32, value: V128, byteOffset = 0): void {
    this.emit([address.code, value.code, 0xfd, unsignedLeb128(0x0b), memoryArgument(2, byteOffset)]);
  }

  /** Stores the 8 bytes of the lower two lanes. */
  storeLowHalf(address: I32, value: V128, byteOffset = 0): void {
    this.emit([address.code, value.code, 0xfd, unsignedLeb128(0x5b), memoryArgument(2, byteOffset), 0]);
  }

  /** Stores the lowest byte. */
  storeLowByte(address: I32, value: V128, byteOffset = 0): void {
    this.emit([address.code, value.code, 0xfd, unsignedLeb128(0x58), memoryArgument(0, byteOffset), 0]);
  }

  /** Ends the call with an exception if the condition is 0. */
  trapUnless(condition: I32): void {
    this.emit([condition.code, 0x45, 0x04, EMPTY_BLOCK, 0x00, 0x0b]);
  }

  /** Runs the body `count` times, at least once. A constant count of 1 makes no loop. */
  repeat(count: number | I32, body: () => void): void {
    if (count === 1) {
      body();
      return;
    }
    const remaining = this.variable(typeof count === 'number' ? constant(count) : count);
    this.emit([0x03, EMPTY_BLOCK]);
    body();
    this.set(remaining, subtract(remaining, constant(1)));
    this.emit([remaining.code, 0x0d, 0x00, 0x0b]);
  }

  /** The function's entry in the code section. */
  encode(): Code {
    const locals = vectorOf(this.localTypes.map((type) => [1, TYPE_CODES[type]]));
    return sized([locals, this.body, 0x0b]);
  }

  private emit(code: Code): void {
    for (const byte of flatten(code)) this.body.push(byte);
  }
}

function makeLocal<T extends ValueType>(type: T, index: number): Local<T> {
  return { type, index, code: [0x20, unsignedLeb128(index)] };
}
