/** What pages may use of the data: nothing of it needs Node. */
export { convertChannels } from './pictures/pixelChannels.js';
export { resizePixels } from './pictures/resizePixels.js';
