/** The protocol-buffer messages of an ONNX file: onnx/onnx.proto. Numbers in `tag` are their field numbers. */

import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { littleEndianBytes } from '../../foundation/littleEndian.js';

/** The first IR version with operator set 17, which has all that is needed: old runtimes read it, too. */
const IR_VERSION = 8;
const OPERATOR_SET = 17;

const FLOAT = 1;
const INT64 = 7;
/** Kinds of attributes. */
const FLOAT_ATTRIBUTE = 1;
const INT_ATTRIBUTE = 2;
const INTS_ATTRIBUTE = 7;

/** Lists are of integers; a number is a float if it stands under `floats`, else an integer. */
export interface OnnxNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly floats?: Readonly<Record<string, number>>;
  readonly integers?: Readonly<Record<string, number | readonly number[]>>;
}

export interface OnnxTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array | BigInt64Array;
}

/** An input or output of floats; a text is a dimension that is not fixed. */
export interface OnnxValue {
  readonly name: string;
  readonly shape: readonly (number | string)[];
}

export interface OnnxModel {
  readonly producer: string;
  readonly producerVersion: string;
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly input: OnnxValue;
  readonly output: OnnxValue;
  readonly metadata: Readonly<Record<string, string>>;
}

export function encodeOnnx(model: OnnxModel): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Varint).int64(IR_VERSION);
  writer.tag(2, WireType.LengthDelimited).string(model.producer);
  writer.tag(3, WireType.LengthDelimited).string(model.producerVersion);
  writer.tag(7, WireType.LengthDelimited).fork();
  writeGraph(writer, model);
  writer.join();
  writer.tag(8, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.LengthDelimited).string('').tag(2, WireType.Varint).int64(OPERATOR_SET).join();
  for (const [key, value] of Object.entries(model.metadata)) {
    writer.tag(14, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(key);
    writer.tag(2, WireType.LengthDelimited).string(value).join();
  }
  return writer.finish();
}

function writeGraph(writer: BinaryWriter, { name, nodes, initializers, input, output }: OnnxModel): void {
  for (const node of nodes) {
    writer.tag(1, WireType.LengthDelimited).fork();
    writeNode(writer, node);
    writer.join();
  }
  writer.tag(2, WireType.LengthDelimited).string(name);
  for (const tensor of initializers) {
    writer.tag(5, WireType.LengthDelimited).fork();
    writeTensor(writer, tensor);
    writer.join();
  }
  for (const [field, value] of [
    [11, input],
    [12, output],
  ] as const) {
    writer.tag(field, WireType.LengthDelimited).fork();
    writeValue(writer, value);
    writer.join();
  }
}

function writeNode(
  writer: BinaryWriter,
  { operator, inputs, output, floats = {}, integers = {} }: OnnxNode,
): void {
  for (const input of inputs) writer.tag(1, WireType.LengthDelimited).string(input);
  writer.tag(2, WireType.LengthDelimited).string(output);
  writer.tag(3, WireType.LengthDelimited).string(output);
  writer.tag(4, WireType.LengthDelimited).string(operator);
  const attribute = (name: string, kind: number, write: () => void): void => {
    writer.tag(5, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(name);
    write();
    writer.tag(20, WireType.Varint).int32(kind).join();
  };
  for (const [name, value] of Object.entries(floats)) {
    attribute(name, FLOAT_ATTRIBUTE, () => writer.tag(2, WireType.Bit32).float(value));
  }
  for (const [name, value] of Object.entries(integers)) {
    if (typeof value === 'number') {
      attribute(name, INT_ATTRIBUTE, () => writer.tag(3, WireType.Varint).int64(value));
    } else {
      attribute(name, INTS_ATTRIBUTE, () => {
        for (const each of value) writer.tag(8, WireType.Varint).int64(each);
      });
    }
  }
}

function writeTensor(writer: BinaryWriter, { name, shape, values }: OnnxTensor): void {
  for (const size of shape) writer.tag(1, WireType.Varint).int64(size);
  writer.tag(2, WireType.Varint).int32(values instanceof Float32Array ? FLOAT : INT64);
  writer.tag(8, WireType.LengthDelimited).string(name);
  writer.tag(9, WireType.LengthDelimited).bytes(rawBytes(values));
}

function rawBytes(values: Float32Array | BigInt64Array): Uint8Array {
  if (values instanceof Float32Array) return littleEndianBytes(values);
  const bytes = Buffer.alloc(values.byteLength);
  values.forEach((value, place) => bytes.writeBigInt64LE(value, place * BigInt64Array.BYTES_PER_ELEMENT));
  return bytes;
}

function writeValue(writer: BinaryWriter, { name, shape }: OnnxValue): void {
  writer.tag(1, WireType.LengthDelimited).string(name);
  writer.tag(2, WireType.LengthDelimited).fork(); // the type
  writer.tag(1, WireType.LengthDelimited).fork(); // of a tensor
  writer.tag(1, WireType.Varint).int32(FLOAT);
  writer.tag(2, WireType.LengthDelimited).fork();
  for (const size of shape) {
    writer.tag(1, WireType.LengthDelimited).fork();
    if (typeof size === 'number') writer.tag(1, WireType.Varint).int64(size);
    else writer.tag(2, WireType.LengthDelimited).string(size);
    writer.join();
  }
  writer.join().join().join();
}
