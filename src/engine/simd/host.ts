/** What the engine asks of Node. A browser has none of it, and needs none: there, these functions do without. */

/** For people. */
export function processorName(): string {
  const os = node()?.getBuiltinModule('node:os');
  return os === undefined ? 'a browser' : (os.cpus()[0]?.model.trim() ?? os.arch());
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
