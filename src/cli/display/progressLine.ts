/** A line on a terminal that counts, beside output that may go to a file. */

export interface ProgressLine {
  readonly update: (done: number, total: number) => void;
  /** Takes the line away. */
  readonly end: () => void;
}

const CLEAR = '\r\u001b[2K';

/** Shows nothing where nobody looks. @param things as in `120 of 10,000 images` */
export function showProgress(things: string): ProgressLine {
  const { stderr } = process;
  let isShown = false;
  return {
    update: (done, total) => {
      if (!stderr.isTTY || process.env['TERM'] === 'dumb') return;
      stderr.write(`${CLEAR}${done.toLocaleString('en-US')} of ${total.toLocaleString('en-US')} ${things}`);
      isShown = true;
    },
    end: () => {
      if (isShown) stderr.write(CLEAR);
      isShown = false;
    },
  };
}
