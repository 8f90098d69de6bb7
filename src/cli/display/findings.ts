/** How what the checks find reads: a line that says what was seen, one that says what was expected, and what to do. */

import { styleText } from 'node:util';
import type { Finding, Verdict } from '../../check/index.js';
import type { CheckOutcome } from '../../session/index.js';
import { count } from '../../foundation/count.js';
import { printable } from '../../foundation/printable.js';
import { sentenceInFlags } from '../options/inFlags.js';
import { duration } from './text.js';
import { wrap } from './wrap.js';

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

export function findingLines(finding: Finding, { columns, colour }: FindingStyle): readonly string[] {
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

function paragraphsOf(finding: Finding): readonly Paragraph[] {
  if (finding.verdict === 'left-out') {
    return [{ text: `left out: ${sentenceInFlags(finding.leftOut)}`, format: 'dim' }];
  }
  const { seen, expected, advice } = finding;
  return [
    { text: sentenceInFlags(seen) },
    { text: `expected: ${sentenceInFlags(expected)}`, format: 'dim' },
    ...(advice === undefined ? [] : [{ text: `-> ${sentenceInFlags(advice)}`, format: 'bold' as const }]),
  ];
}

export function outcomeLine({ findings, passed, warned, failed, leftOut, seconds }: CheckOutcome): string {
  const parts = [
    `${passed} of ${count(findings.length, 'check')} passed`,
    ...(warned > 0 ? [`${warned} warned (${namesOf(findings, 'warn')})`] : []),
    ...(failed > 0 ? [`${failed} failed (${namesOf(findings, 'fail')})`] : []),
    ...(leftOut > 0 ? [`${leftOut} left out`] : []),
  ];
  return `${parts.join(', ')}; ${duration(seconds)}`;
}

function namesOf(findings: readonly Finding[], verdict: Verdict): string {
  return findings
    .filter((finding) => finding.verdict === verdict)
    .map(({ name }) => name)
    .join(', ');
}
