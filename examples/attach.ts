/**
 * A coordinator and its workers in programs. Start the first, then as many of the second as you like, on this machine:
 *
 *     node attach.js coordinate
 *     node attach.js work ws://127.0.0.1:PORT
 *
 * For other machines give `coordinate` a host, a token and TLS; docs/security.md says why.
 */

import { coordinate, syntheticData, work } from 'lockstep';

const [role, url] = process.argv.slice(2);

if (role === 'coordinate') {
  const { url, done } = await coordinate({
    recipe: { model: 'resnet8', epochs: 1, trainLimit: 256, valSize: 100, seed: 7 },
    data: syntheticData(),
    port: 0, // any that is free
    minWorkers: 2,
    onEvent: (event) => {
      if (event.event === 'worker-joined') console.log(`${event.node} joined: ${event.workersNow} workers`);
      if (event.event === 'worker-left') console.log(`${event.node} left: ${event.reason}`);
    },
  });
  console.log(`listening on ${url}`);
  const { weightsSha256 } = await done;
  console.log(`weights sha256 ${weightsSha256}`);
} else if (role === 'work' && url !== undefined) {
  const { reason } = await work({ url, threads: 1, engine: 'simd' });
  console.log(`done: ${reason}`);
} else {
  console.error('usage: node attach.js coordinate | work URL');
  process.exitCode = 2;
}
