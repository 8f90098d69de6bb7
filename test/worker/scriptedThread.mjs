/** In the place of a worker thread: does what the first label of its task says. */

export const ANSWERS = 0;
export const HANGS = 1;
export const EXITS = 2;
export const THROWS_LATER = 3;
export const TAKES_LONG = 4;

export default async function runTask(task) {
  const [what] = task.labels;
  if (what === HANGS) for (;;);
  if (what === EXITS) process.exit(7);
  if (what === THROWS_LATER) {
    setImmediate(() => {
      throw new Error('out of the blue');
    });
    await new Promise(() => undefined);
  }
  if (what === TAKES_LONG) await new Promise((resolve) => setTimeout(resolve, 1000));
  return { kind: 'evaluation', sampleCount: task.labels.length, lossSum: 1, correct: 1 };
}
