/** Collects the kernels that a model needs, each shape once, and compiles them as one module. */

import type { Arithmetic } from '../arithmetic.js';
import { describeError, invariant, LockstepError } from '../../../foundation/errors.js';
import { FunctionBuilder } from '../../../foundation/wasm/functionBuilder.js';
import { compile } from '../../../foundation/wasm/host.js';
import type { CompiledModule, WasmMemory } from '../../../foundation/wasm/host.js';
import { encodeModule } from '../../../foundation/wasm/module.js';
import type { NamedFunction } from '../../../foundation/wasm/module.js';

/** Generates a kernel: a pure function of the arithmetic and of the shapes, which its name contains. */
export type KernelEmitter = (f: FunctionBuilder, arithmetic: Arithmetic) => void;

/** Wraps every kernel as it is compiled: how a profile is taken. */
export type KernelObserver = (name: string, run: Kernel['run']) => Kernel['run'];

/** A kernel to be called with byte addresses and counts. `run` is set once the library is compiled. */
export class Kernel {
  run: (...parameters: number[]) => void = () =>
    invariant(false, `kernel ${this.name} ran before it was compiled`);

  constructor(readonly name: string) {}
}

export class KernelLibrary {
  private readonly functions: NamedFunction[] = [];
  private readonly kernels = new Map<string, Kernel>();
  private compiled: CompiledModule | undefined;

  constructor(
    readonly arithmetic: Arithmetic,
    private readonly observe: KernelObserver = (_, run) => run,
  ) {}

  /** The kernel of that name; generated for the first caller. Names must contain everything that the code depends on. */
  kernel(name: string, parameterCount: number, emit: KernelEmitter): Kernel {
    const known = this.kernels.get(name);
    if (known !== undefined) return known;
    const builder = new FunctionBuilder(parameterCount);
    emit(builder, this.arithmetic);
    this.functions.push({ name, builder });
    const kernel = new Kernel(name);
    this.kernels.set(name, kernel);
    return kernel;
  }

  /** Kernels run once they are bound to a memory, too. @throws LockstepError E_ENGINE_UNAVAILABLE if the host refuses one */
  async compile(): Promise<void> {
    try {
      this.compiled = await compile(encodeModule(this.functions));
    } catch (error) {
      throw (await this.refusal()) ?? error;
    }
  }

  /** The first kernel that does not compile, and why: hosts limit the locals and the bytes of a function. */
  private async refusal(): Promise<LockstepError | undefined> {
    for (const kernel of this.functions) {
      try {
        await compile(encodeModule([kernel]));
      } catch (cause) {
        const why = `the simd engine's kernel "${kernel.name}" does not compile here: ${describeError(cause)}`;
        return new LockstepError('E_ENGINE_UNAVAILABLE', `${why}; use another engine`, { cause });
      }
    }
    return undefined;
  }

  /** Lets the kernels work on this memory from now on. */
  bind(memory: WasmMemory): void {
    invariant(this.compiled, 'kernels are bound before they are compiled');
    const { exports } = this.compiled(memory);
    for (const kernel of this.kernels.values()) {
      kernel.run = this.observe(kernel.name, exports[kernel.name] as Kernel['run']);
    }
  }
}
