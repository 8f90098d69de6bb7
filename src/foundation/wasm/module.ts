/** Assembles functions over one imported memory into the bytes of a WebAssembly module. */

import { flatten, sized, text, unsignedLeb128, vectorOf } from './encoding.js';
import type { Code } from './encoding.js';
import type { FunctionBuilder } from './functionBuilder.js';

export interface NamedFunction {
  readonly name: string;
  readonly builder: FunctionBuilder;
}

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const I32 = 0x7f;
const FUNCTION_TYPE = 0x60;

/** The memory that functions work on: none, one of this thread's own, or a shared one with at most this maximum. */
export type MemoryImport = 'none' | 'unshared' | { readonly sharedMaximumPages: number };

/** Imports `arena.memory`; exports every function under its name. Type n is the function type of n i32 parameters. */
export function encodeModule(
  functions: readonly NamedFunction[],
  memory: MemoryImport = 'unshared',
): Uint8Array<ArrayBuffer> {
  const arities = Math.max(0, ...functions.map(({ builder }) => builder.parameterCount)) + 1;
  const types = Array.from({ length: arities }, (_, arity): Code => [
    FUNCTION_TYPE,
    vectorOf(Array.from({ length: arity }, () => [I32])),
    0,
  ]);
  return Uint8Array.from(
    flatten([
      HEADER,
      section(1, vectorOf(types)),
      section(
        2,
        vectorOf(memory === 'none' ? [] : [[text('arena'), text('memory'), 0x02, limitsOf(memory)]]),
      ),
      section(3, vectorOf(functions.map(({ builder }) => unsignedLeb128(builder.parameterCount)))),
      section(7, vectorOf(functions.map(({ name }, index) => [text(name), 0x00, unsignedLeb128(index)]))),
      section(10, vectorOf(functions.map(({ builder }) => builder.encode()))),
    ]),
  );
}

function limitsOf(memory: Exclude<MemoryImport, 'none'>): Code {
  return memory === 'unshared' ? [0x00, 0x01] : [0x03, 0x01, unsignedLeb128(memory.sharedMaximumPages)];
}

const section = (id: number, content: Code): Code => [id, sized(content)];
