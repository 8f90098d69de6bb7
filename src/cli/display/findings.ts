/** How what the checks find reads: a line that says what was seen, one that says what was expected, and what to do. */

import { styleText } from 'node:util';
import type { Finding, Verdict } from '../../check/index.js';
import type { CheckOutcome } from '../../session/index.js';
import { count } from '../../foundation/count.js';
import { printable } from '../../foundation/printable.js';
import { duration } from './text.js';
import { wrap } from './wrap.js';

/** A finding whose words are those of the command line. */
export interface FindingText extends Pick<Finding, 'name' | 'group' | 'verdict'> {
  readonly seen?: string;
  readonly expected?: string;
  readonly advice?: string;
  readonly leftOut?: string;
}

export interface FindingStyle {
  readonly columns: number;
  readonly colour: boolean;
}

const NAME_COLUMNS = 15;
const MARGIN = 8 + NAME_COLUMNS;
const LONGEST_TEXT = 1000;
const FEWEST_COLUMNS = 50;
const MOST_COLUMNS = 110;

const COLOURS = { pass: 'green', warn: 'yellow', fail: 'red', 'left-out': 'dim' } as const;
const WORDS = { pass: 'pass', warn: 'WARN', fail: 'FAIL', 'left-out': '-' } as const;

export function findingLines(finding: FindingText, { columns, colour }: FindingStyle): readonly string[] {
  const width = Math.min(MOST_COLUMNS, Math.max(FEWEST_COLUMNS, columns)) - MARGIN;
  const painted = (format: (typeof COLOURS)[keyof typeof COLOURS] | 'bold', text: string): string =>
    colour ? styleText(format, text, { validateStream: false }) : text;
  const head = `  ${painted(COLOURS[finding.verdict], WORDS[finding.verdict].padEnd(4))}  ${finding.name.padEnd(NAME_COLUMNS)}`;
  const paragraphs = paragraphsOf(finding).flatMap(({ text, format }) =>
    wrap(printable(text, LONGEST_TEXT), width).map((line) => (format ? painted(format, line) : line)),
  );
  const [first = '', ...others] = paragraphs;
  return [`${head}${first}`, ...others.map((line) => `${' '.repeat(MARGIN)}${line}`)];
}

interface Paragraph {
  readonly text: string;
  readonly format?: 'dim' | 'bold';
}

function paragraphsOf(finding: FindingText): readonly Paragraph[] {
  const { seen = '', expected = '', advice, leftOut } = finding;
  if (leftOut !== undefined) return [{ text: `left out: ${leftOut}`, format: 'dim' }];
  return [
    { text: seen },
    { text: `expected: ${expected}`, format: 'dim' },
    ...(advice === undefined ? [] : [{ text: `-> ${advice}`, format: 'bold' as const }]),
  ];
}

type Outcome = Omit<CheckOutcome, 'findings'> & {
  readonly findings: readonly Pick<Finding, 'name' | 'verdict'>[];
};

export function outcomeLine({ findings, passed, warned, failed, leftOut, seconds }: Outcome): string {
  const parts = [
    `${passed} of ${count(findings.length, 'check')} passed`,
    ...(warned > 0 ? [`${warned} warned (${namesOf(findings, 'warn')})`] : []),
    ...(failed > 0 ? [`${failed} failed (${namesOf(findings, 'fail')})`] : []),
    ...(leftOut > 0 ? [`${leftOut} left out`] : []),
  ];
  return `${parts.join(', ')}; ${duration(seconds)}`;
}

function namesOf(findings: readonly Pick<Finding, 'name' | 'verdict'>[], verdict: Verdict): string {
  return findings
    .filter((finding) => finding.verdict === verdict)
    .map(({ name }) => name)
    .join(', ');
}
