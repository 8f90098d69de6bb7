/** Slurm's compressed lists: of hosts, `rack[1-2]n[01-03,7],login`, and of counts, `2(x3),1`. */

const MOST_HOSTS = 65_536;
const RANGE = /^(\d{1,9})(?:-(\d{1,9}))?$/;

/**
 * @returns every host, in order; undefined if the text is no list of hosts
 */
export function expandNodeList(text: string): readonly string[] | undefined {
  const hosts: string[] = [];
  for (const entry of splitOutsideBrackets(text)) {
    const more = expandEntry(entry);
    if (more === undefined || hosts.length + more.length > MOST_HOSTS) return undefined;
    hosts.push(...more);
  }
  return hosts.length > 0 ? hosts : undefined;
}

function splitOutsideBrackets(text: string): readonly string[] {
  return text.split(/,(?![^[]*\])/);
}

/** One name with any number of groups in brackets; the last one counts fastest. */
function expandEntry(entry: string): readonly string[] | undefined {
  if (!/^(?:[\w.-]|\[[\d,-]+\])+$/.test(entry)) return undefined;
  let names: readonly string[] = [''];
  for (const [part] of entry.matchAll(/\[[^\]]*\]|[^[]+/g)) {
    const choices = part.startsWith('[') ? expandGroup(part.slice(1, -1)) : [part];
    if (choices === undefined || names.length * choices.length > MOST_HOSTS) return undefined;
    names = names.flatMap((name) => choices.map((choice) => name + choice));
  }
  return names;
}

/** `01-03,7`: leading zeros are kept. */
function expandGroup(group: string): readonly string[] | undefined {
  const numbers: string[] = [];
  for (const range of group.split(',')) {
    const [, first, last = first] = RANGE.exec(range) ?? [];
    if (first === undefined || last === undefined) return undefined;
    const length = Number(last) - Number(first) + 1;
    if (length < 1 || numbers.length + length > MOST_HOSTS) return undefined;
    for (let step = 0; step < length; step++)
      numbers.push(String(Number(first) + step).padStart(first.length, '0'));
  }
  return numbers;
}

/** @returns how many tasks the node with this index has, by `2(x3),1`; undefined if the text does not say it */
export function tasksOfNode(text: string, node: number): number | undefined {
  let before = 0;
  for (const entry of text.split(',')) {
    const [, tasks, times = '1'] = /^(\d{1,9})(?:\(x(\d{1,9})\))?$/.exec(entry) ?? [];
    if (tasks === undefined) return undefined;
    before += Number(times);
    if (node < before) return Number(tasks);
  }
  return undefined;
}
