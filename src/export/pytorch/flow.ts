/**
 * Writes the body of `forward`: each step becomes part of the next one's expression where nothing else reads it and the line
 * stays short, else a variable.
 */

export interface FlowStep {
  /** Indices of earlier steps; the input is -1. */
  readonly inputs: readonly number[];
  /** @param texts of the inputs, in order */
  readonly render: (texts: readonly string[]) => string;
}

export const FLOW_INPUT = -1;

const MOST_NESTED = 3;
const MOST_CHARACTERS = 88;
const NAMES = ['x', 'y', 'z', 'u', 'v', 'w'];

/** @returns lines without indentation; the input is called x */
export function flowLines(steps: readonly FlowStep[]): readonly string[] {
  return new FlowWriter(steps).lines();
}

interface Value {
  readonly text: string;
  readonly depth: number;
  /** Variables that the text reads. */
  readonly variables: ReadonlySet<string>;
  usesLeft: number;
}

class FlowWriter {
  private readonly values = new Map<number, Value>();
  private readonly written: string[] = [];

  constructor(private readonly steps: readonly FlowStep[]) {
    this.hold(FLOW_INPUT, { text: 'x', depth: 0, variables: new Set(['x']) });
  }

  lines(): readonly string[] {
    this.steps.forEach((step, index) => this.write(step, index));
    return this.written;
  }

  private write({ inputs, render }: FlowStep, index: number): void {
    const read = inputs.map((input) => this.values.get(input)!);
    for (const value of read) value.usesLeft--;
    const text = render(read.map((value) => value.text));
    const depth = 1 + Math.max(...read.map((value) => value.depth));
    const isLast = index === this.steps.length - 1;
    if (isLast) return void this.written.push(`return ${text}`);
    const mayWait = this.usesOf(index) === 1 && depth < MOST_NESTED && text.length < MOST_CHARACTERS / 2;
    if (mayWait) {
      const variables = new Set(read.flatMap((value) => [...value.variables]));
      return this.hold(index, { text, depth, variables });
    }
    const name = this.freeName();
    this.written.push(`${name} = ${text}`);
    this.hold(index, { text: name, depth: 0, variables: new Set([name]) });
  }

  private hold(index: number, value: Omit<Value, 'usesLeft'>): void {
    this.values.set(index, { ...value, usesLeft: this.usesOf(index) });
  }

  private usesOf(index: number): number {
    return this.steps.flatMap(({ inputs }) => inputs).filter((input) => input === index).length;
  }

  /** One whose value nothing reads any more. */
  private freeName(): string {
    const alive = new Set(
      [...this.values.values()]
        .filter(({ usesLeft }) => usesLeft > 0)
        .flatMap(({ variables }) => [...variables]),
    );
    for (let number = 0; ; number++) {
      const name = NAMES[number] ?? `v${number}`;
      if (!alive.has(name)) return name;
    }
  }
}
