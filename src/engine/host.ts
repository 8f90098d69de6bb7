/** What engines ask of Node. A browser has none of it, and needs none: there, these functions do without. */

/** For people. Linux does not name processors of Arm: what they are must do. */
export function processorName(): string {
  const os = node()?.getBuiltinModule('node:os');
  if (os === undefined) return 'a browser';
  const model = os.cpus()[0]?.model.trim() ?? '';
  return model === '' || model === 'unknown' ? os.arch() : model;
}

/** Node 20 has relaxed SIMD behind a flag; later versions have no such flag, and say so on standard error. */
export function enableRelaxedSimd(): void {
  if (node()?.versions.node.startsWith('20.') !== true) return;
  node()?.getBuiltinModule('node:v8').setFlagsFromString('--experimental-wasm-relaxed-simd');
}

/** Not by imports, which a browser would fail to resolve. */
function node(): NodeJS.Process | undefined {
  return (globalThis as { readonly process?: NodeJS.Process }).process;
}
