/** @throws BuildError with the compiler's messages; dist/ then stays as it was */
export function build(root?: string): void;
export class BuildError extends Error {}
