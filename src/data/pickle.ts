/**
 * Reads the subset of Python's pickle (protocols 0x80 2 and 3) in which CIFAR-10 is distributed. Executes nothing:
 * known callables become plain descriptions, and any other name is refused.
 *
 * Opcodes as in CPython's Lib/pickletools.py; arrays as numpy's `ndarray.__reduce__` writes them.
 */

import { PickleBytes } from './pickleBytes.js';
import { asText, isKind, isShape, LONGEST_NAME, MOST_DIMENSIONS, PickleError } from './pickleValues.js';
import type { PickledGlobal, PickleValue } from './pickleValues.js';

const GLOBALS: Readonly<Record<string, PickledGlobal['role']>> = {
  'numpy.core.multiarray _reconstruct': 'reconstruct',
  'numpy._core.multiarray _reconstruct': 'reconstruct', // numpy 2
  'numpy ndarray': 'array',
  'numpy dtype': 'type',
  '_codecs encode': 'encode', // how Python 3 writes bytes in protocol 2
};

const MARK = Symbol('mark');

/** An operation may allocate some hundred bytes. A CIFAR-10 batch has one operation per 700 bytes. */
const BYTES_PER_OPERATION = 64;
const OPERATIONS_BESIDES = 1000;
/**
 * Memory and time are bounded by the number of bytes.
 * @throws PickleError if the bytes are truncated, use more than the subset, or ask for more than they can hold
 */
export function readPickle(bytes: Uint8Array): PickleValue {
  return new PickleReader(bytes).read();
}

class PickleReader {
  private readonly bytes: PickleBytes;
  private readonly stack: (PickleValue | typeof MARK)[] = [];
  private readonly memo = new Map<number, PickleValue>();
  private operationsLeft: number;
  /** A few bytes can encode the same string again and again; Python writes each once. */
  private encodedBytesLeft: number;

  constructor(bytes: Uint8Array) {
    this.bytes = new PickleBytes(bytes);
    this.operationsLeft = OPERATIONS_BESIDES + bytes.length / BYTES_PER_OPERATION;
    this.encodedBytesLeft = bytes.length;
  }

  read(): PickleValue {
    for (;;) {
      if (--this.operationsLeft < 0)
        throw new PickleError('it has more operations than a file of this size needs');
      const at = this.bytes.position;
      const opcode = String.fromCharCode(this.bytes.uint8());
      if (opcode === '.') return this.pop();
      if (!this.pushConstant(opcode) && !this.build(opcode)) {
        throw new PickleError(`opcode 0x${opcode.charCodeAt(0).toString(16)} at byte ${at} is not supported`);
      }
    }
  }

  /** Opcodes that only push: numbers, strings, empty containers, memo and globals. */
  private pushConstant(opcode: string): boolean {
    switch (opcode) {
      case 'N':
        return this.push(null);
      case '\x88':
        return this.push(true);
      case '\x89':
        return this.push(false);
      case 'K':
        return this.push(this.bytes.uint8());
      case 'M':
        return this.push(this.bytes.uint16());
      case 'J':
        return this.push(this.bytes.int32());
      case 'U': // SHORT_BINSTRING, Python 2
      case 'C': // SHORT_BINBYTES, Python 3
        return this.push(this.bytes.take(this.bytes.uint8()));
      case 'T': // BINSTRING
      case 'B': // BINBYTES
        return this.push(this.bytes.take(this.bytes.length32()));
      case 'X':
        return this.push(new TextDecoder('utf-8').decode(this.bytes.take(this.bytes.length32())));
      case '}':
        return this.push(new Map());
      case ']':
      case ')':
        return this.push([]);
      case '(':
        this.stack.push(MARK);
        return true;
      case 'h':
        return this.push(this.remembered(this.bytes.uint8()));
      case 'j':
        return this.push(this.remembered(this.bytes.length32()));
      case 'c':
        return this.push(this.global());
      default:
        return false;
    }
  }

  /** Opcodes that use values on the stack. */
  private build(opcode: string): boolean {
    switch (opcode) {
      case '\x80':
        return this.checkProtocol();
      case 'q':
        return this.remember(this.bytes.uint8());
      case 'r':
        return this.remember(this.bytes.length32());
      case '\x85':
        return this.push(this.popMany(1));
      case '\x86':
        return this.push(this.popMany(2));
      case '\x87':
        return this.push(this.popMany(3));
      case 't':
        return this.push(this.popToMark());
      case 'a':
        return this.append(this.popMany(1));
      case 'e':
        return this.append(this.popToMark());
      case 's':
        return this.setItems(this.popMany(2));
      case 'u':
        return this.setItems(this.popToMark());
      case 'R':
        return this.reduce();
      case 'b':
        return this.setState();
      default:
        return false;
    }
  }

  private checkProtocol(): boolean {
    const protocol = this.bytes.uint8();
    if (protocol === 2 || protocol === 3) return true;
    throw new PickleError(`pickle protocol ${protocol} is not supported, only 2 and 3`);
  }

  private remembered(slot: number): PickleValue {
    const value = this.memo.get(slot);
    if (value === undefined) throw new PickleError(`memo ${slot} is read before it is written`);
    return value;
  }

  private remember(slot: number): boolean {
    const value = this.pop();
    this.memo.set(slot, value);
    return this.push(value);
  }

  private global(): PickledGlobal {
    const name = `${this.bytes.line()} ${this.bytes.line()}`;
    const role = Object.hasOwn(GLOBALS, name) ? GLOBALS[name] : undefined;
    if (role === undefined) {
      throw new PickleError(`it names ${JSON.stringify(name.slice(0, LONGEST_NAME))}, which is never loaded`);
    }
    return { kind: 'global', role };
  }

  private append(items: PickleValue[]): boolean {
    const list = this.top();
    if (!Array.isArray(list)) throw new PickleError('an item is added to what is not a list');
    for (const item of items) list.push(item);
    return true;
  }

  private setItems(items: PickleValue[]): boolean {
    const dict = this.top();
    if (!(dict instanceof Map) || items.length % 2 !== 0)
      throw new PickleError('an item is set in what is not a dict');
    for (let index = 0; index < items.length; index += 2) {
      const key = asText(items[index]!);
      if (key === undefined) throw new PickleError('a dict key is not a short text');
      dict.set(key, items[index + 1]!);
    }
    return true;
  }

  private reduce(): boolean {
    const [callable, given] = this.popMany(2);
    if (!isKind(callable, 'global') || !Array.isArray(given))
      throw new PickleError('a call of what is not callable');
    switch (callable.role) {
      case 'reconstruct':
        return this.push({ kind: 'array', shape: [0], bytes: new Uint8Array(0) });
      case 'type':
        return this.push({ kind: 'type', name: asText(given[0] ?? null) ?? '' });
      case 'encode':
        return this.push(this.encodeLatin1(given));
      case 'array':
        throw new PickleError('an array is called directly');
    }
  }

  private setState(): boolean {
    const state = this.pop();
    const target = this.top();
    if (isKind(target, 'type')) return true; // byte order and alignment do not matter for bytes
    if (!isKind(target, 'array') || !Array.isArray(state))
      throw new PickleError('a state is set on what has none');
    const [, shape, type, isFortranOrder, content] = state;
    if (!isKind(type, 'type') || type.name !== 'u1') throw new PickleError('an array is not of type uint8');
    if (isFortranOrder !== false && isFortranOrder !== 0) throw new PickleError('an array is not in C order');
    if (!isShape(shape))
      throw new PickleError(`a shape is not a tuple of at most ${MOST_DIMENSIONS} numbers`);
    if (!(content instanceof Uint8Array)) throw new PickleError('an array has no content');
    target.shape = shape;
    target.bytes = content;
    return true;
  }

  private encodeLatin1([text, encoding]: PickleValue[]): Uint8Array {
    const name = asText(encoding ?? null);
    if (typeof text !== 'string' || (name !== 'latin1' && name !== 'latin-1')) {
      throw new PickleError('bytes are encoded otherwise than as latin1');
    }
    this.encodedBytesLeft -= text.length;
    if (this.encodedBytesLeft < 0) throw new PickleError('it encodes more text than it holds');
    return Buffer.from(text, 'latin1');
  }

  private push(value: PickleValue): true {
    this.stack.push(value);
    return true;
  }

  private pop(): PickleValue {
    const value = this.stack.pop();
    if (value === undefined || value === MARK)
      throw new PickleError('the stack is empty where a value is needed');
    return value;
  }

  private top(): PickleValue {
    const value = this.pop();
    this.stack.push(value);
    return value;
  }

  private popMany(count: number): PickleValue[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  private popToMark(): PickleValue[] {
    const mark = this.stack.lastIndexOf(MARK);
    if (mark === -1) throw new PickleError('a mark is missing');
    const values = this.stack.splice(mark);
    return values.slice(1) as PickleValue[];
  }
}
