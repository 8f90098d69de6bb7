/** What other folders use of the checks. */
export { CHECKS } from './allChecks.js';
export { CHECK_GROUPS } from './finding.js';
export type { Check, CheckGroup, Finding, LeftOut, Observation, Verdict, Words } from './finding.js';
export { runRangeTest } from './lrFind/rangeTest.js';
export type { RangeOptions, RangeTest, RatePoint } from './lrFind/rangeTest.js';
export { suggestRate } from './lrFind/suggest.js';
export type { SmoothedPoint, Suggestion } from './lrFind/suggest.js';
export { chosenChecks, runChecks } from './runChecks.js';
export type { CheckRequest } from './runChecks.js';
export type { CheckedData, Computing, Subject } from './subject.js';
