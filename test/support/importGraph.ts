/** Import cycles between source files. Type-only imports count too: a reader has to follow them all the same. */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

type ImportGraph = ReadonlyMap<string, readonly string[]>;

/** @returns each TypeScript file below the folder, with the files below it that it imports; paths relative to the folder */
export function importGraph(folder: string): ImportGraph {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => file.split(path.sep).join('/'));
  const known = new Set(files);
  return new Map(
    files.sort().map((file) => {
      const { importedFiles } = ts.preProcessFile(readFileSync(path.join(folder, file), 'utf8'), true, true);
      const imported = importedFiles
        .filter(({ fileName }) => fileName.startsWith('.'))
        .map(({ fileName }) => path.posix.join(path.posix.dirname(file), fileName.replace(/\.js$/, '.ts')));
      return [file, imported.filter((other) => known.has(other))];
    }),
  );
}

/** Tarjan's algorithm. @returns the groups of files that import each other, directly or through others; sorted by name */
export function cyclesOf(graph: ImportGraph): string[][] {
  const cycles: string[][] = [];
  const order = new Map<string, number>();
  const stack: string[] = [];
  /** @returns the lowest order number on the stack that the file reaches */
  const visit = (file: string): number => {
    const number = order.size;
    let lowest = number;
    order.set(file, number);
    stack.push(file);
    for (const other of graph.get(file) ?? []) {
      if (!order.has(other)) lowest = Math.min(lowest, visit(other));
      else if (stack.includes(other)) lowest = Math.min(lowest, order.get(other)!);
    }
    if (lowest === number) {
      const group = stack.splice(stack.indexOf(file));
      if (group.length > 1 || graph.get(file)?.includes(file) === true) cycles.push(group.sort());
    }
    return lowest;
  };
  for (const file of graph.keys()) if (!order.has(file)) visit(file);
  return cycles;
}
