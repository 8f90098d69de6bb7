/** The page by which a browser tab takes part in a run. It shows what its node (a Worker) does. */

import { byId } from '../live/dom.js';
import { NODE_NAME } from './node/talk.js';
import type { FromNode, ToNode } from './node/talk.js';
import { takeInvitation } from './invitation.js';

const invitation = takeInvitation();
const status = byId('status', HTMLElement);
const counts = byId('counts', HTMLElement);
const start = byId('start', HTMLButtonElement);
const leave = byId('leave', HTMLButtonElement);

let samples = 0;

function join(): void {
  start.hidden = true;
  leave.hidden = false;
  const node = new Worker('/join/compute.js', { type: 'module', name: NODE_NAME });
  const tell = (message: ToNode): void => node.postMessage(message);
  node.addEventListener('message', ({ data }: MessageEvent<FromNode>) => show(data));
  node.addEventListener('error', ({ message }) => (status.textContent = `failed: ${message}`));
  leave.addEventListener('click', () => tell({ kind: 'leave' }));
  tell({
    kind: 'join',
    pageUrl: location.href.split('#')[0]!,
    token: invitation.token,
    nodeName: 'a browser tab',
    device: 'a browser',
    threads: Math.max(1, navigator.hardwareConcurrency - 1),
  });
}

function show(message: FromNode): void {
  switch (message.kind) {
    case 'ready':
      status.textContent = message.description.numericsClass;
      break;
    case 'connected':
      status.textContent = 'connected';
      break;
    case 'lost':
      status.textContent = `lost: ${message.reason}`;
      break;
    case 'welcome':
      status.textContent = `computing for ${message.runName}`;
      break;
    case 'computed':
      samples += message.sampleCount;
      counts.textContent = `${samples} images`;
      break;
    case 'over':
      status.textContent = `${message.end}: ${message.reason}`;
  }
}

start.addEventListener('click', join);
if (invitation.startsAtOnce) join();
