/** The name of a class of which only the number is known. */
export function numberedClass(label: number): string {
  return `class ${label}`;
}
