/** The look of a report: dark and light as the reader's system asks, and ink-saving on paper. */

import { Html } from './html.js';

export const STYLE = new Html(`
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --soft: #6b7480; --rule: #d5dae0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --paper: #14171a; --soft: #9aa4af; --rule: #343b43; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 84rem; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
thead th { color: var(--soft); font-weight: 500; }
tbody th { font-weight: 500; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 1rem; margin-top: 1rem; }
figure { margin: 0; break-inside: avoid; }
figcaption { font-weight: 600; margin-bottom: .3rem; }
svg { width: 100%; height: auto; font: 11px system-ui, sans-serif; }
svg text { fill: var(--soft); }
.grid { stroke: var(--rule); }
polyline { fill: none; stroke: var(--line); stroke-width: 1.8; }
.dashed { stroke-dasharray: 5 4; opacity: .75; }
.key { display: inline-block; width: .8em; height: .8em; border-radius: 50%; background: var(--line); margin-right: .5em; }
.line0 { --line: #2f7fd6; } .line1 { --line: #d9622b; } .line2 { --line: #2c9c69; } .line3 { --line: #a452c4; }
.line4 { --line: #c9941a; } .line5 { --line: #16a3b0; } .line6 { --line: #d14d8b; } .line7 { --line: #7a8794; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--rule); padding: .6rem; }
code, pre { font: 13px ui-monospace, monospace; overflow-wrap: anywhere; }
.path, footer { color: var(--soft); }
footer { margin-top: 3rem; }
summary { cursor: pointer; margin: .5rem 0; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
.confusion td { text-align: right; }
.confusion .right { font-weight: 700; }
.images { display: grid; grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr)); gap: .8rem; }
.images img { width: 8rem; image-rendering: pixelated; }
.images figcaption { font-weight: 400; font-size: .85rem; overflow-wrap: anywhere; }
@media print { :root { --ink: #000; --paper: #fff; --soft: #444; --rule: #bbb; } details > summary { list-style: none; } }
`);
