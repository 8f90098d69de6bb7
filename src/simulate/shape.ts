/** How many relays there are of each level. */

/** As many levels as it takes until nobody has more than `fanOut` nodes or relays attached; from the coordinator down. */
export function relaysForFanOut(nodes: number, fanOut: number): readonly number[] {
  const levels: number[] = [];
  for (let count = nodes; count > fanOut;) {
    count = Math.ceil(count / fanOut);
    levels.unshift(count);
  }
  return levels;
}
