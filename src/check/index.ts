/** What other folders use of the checks. */
export { CHECKS } from './allChecks.js';
export { decodeImages } from './data/decode.js';
export { CHECK_GROUPS } from './finding.js';
export type { Check, CheckGroup, Finding, LeftOut, Observation, Verdict, Words } from './finding.js';
export { chosenChecks, runChecks } from './runChecks.js';
export type { CheckRequest } from './runChecks.js';
export type { CheckedData, Computing, Subject } from './subject.js';
