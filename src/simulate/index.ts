/** What other folders may use of the simulation. */
export { simulateCluster } from './simulateCluster.js';
export type { HomeLoad, Load, StepFigures } from './simulateCluster.js';
export type { ClusterPlan } from './clusterPlan.js';
export type { MessageCosts } from './machine.js';
export { receivingMs, sendingMs } from './machine.js';
export { betweenStepsMs, MEASURED_COSTS, USUAL_UNEVEN_SHARES } from './measuredCosts.js';
export { gradientBytes, parameterBytes } from './messageSizes.js';
export type { Sizes } from './messageSizes.js';
export { bytesPerMs, milliseconds, NO_LIMIT, slowNodes } from './quantities.js';
export { relaysForFanOut } from './shape.js';
export { summarise } from './summary.js';
export type { ClusterSummary, Limit, PlaceSummary } from './summary.js';
