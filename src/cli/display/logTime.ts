/** The time in front of lines that go to a log: where there is a terminal, somebody watches. */

import { isSupervised } from '../process/gpus/supervised.js';

/** Whether standard output is a log. A supervisor gives the lines of its processes the time itself. */
export function outputIsLog(): boolean {
  return !process.stdout.isTTY && !isSupervised();
}

/** @returns each line of the message with the time in front, in UTC: `2026-11-24T08:00:00Z …` */
export function withTime(message: string): string {
  const time = `${new Date().toISOString().slice(0, 19)}Z`;
  return message.replace(/^/gm, `${time} `);
}
