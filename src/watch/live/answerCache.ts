/** Answers that many viewers ask for at the same time are made once. Making them takes a bounded share of the time. */

interface Answer {
  readonly text: Promise<string | undefined>;
  staleAtMs: number;
}

const FRESH_MS = 400;
/** An answer that took long to make is used for this many times as long: making answers takes a fiftieth of the time. */
const USED_TIMES = 50;
const MOST_ANSWERS = 128;

export class AnswerCache {
  private readonly answers = new Map<string, Answer>();

  clear(): void {
    this.answers.clear();
  }

  /** @param make its result becomes JSON; undefined stays so */
  get(key: string, make: () => Promise<unknown>): Promise<string | undefined> {
    const known = this.answers.get(key);
    if (known && performance.now() < known.staleAtMs) return known.text;
    const answer: Answer = { text: this.make(key, make, () => answer), staleAtMs: Infinity };
    this.answers.delete(key);
    this.answers.set(key, answer);
    if (this.answers.size > MOST_ANSWERS) this.answers.delete(this.answers.keys().next().value!);
    return answer.text;
  }

  private async make(
    key: string,
    make: () => Promise<unknown>,
    own: () => Answer,
  ): Promise<string | undefined> {
    try {
      const value = await make();
      const startedMs = performance.now();
      const text = value === undefined ? undefined : JSON.stringify(value);
      const nowMs = performance.now();
      own().staleAtMs = nowMs + Math.max(FRESH_MS, (nowMs - startedMs) * USED_TIMES);
      return text;
    } catch (error) {
      this.answers.delete(key);
      throw error;
    }
  }
}
