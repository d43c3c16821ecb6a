/** The stylesheet, second part: tables, forms, states, data, time lines and trees. */
export const CONTENT = /* css */ `
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; background: var(--raised); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 0.7rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-size: var(--small); font-weight: 600; white-space: nowrap; background: var(--sunken); }
tbody tr:last-child td { border-bottom: 0; }
tbody tr:hover td { background: var(--sunken); }
td.n, th.n { text-align: right; white-space: nowrap; }
time { white-space: nowrap; font-variant-numeric: tabular-nums; }
td .id { white-space: nowrap; }
.id { font-family: var(--mono); font-size: var(--small); }
.key { font-family: var(--mono); font-size: var(--small); overflow-wrap: anywhere; }
.badge { display: inline-block; padding: 0 0.45rem; border-radius: 9px; font-size: var(--small); line-height: 1.5; white-space: nowrap; }
.badge.good { color: var(--good); background: var(--good-back); }
.badge.bad { color: var(--bad); background: var(--bad-back); }
.badge.wait { color: var(--wait); background: var(--wait-back); }
.badge.quiet { color: var(--soft); background: var(--sunken); }
.spark { display: block; overflow: visible; }
.spark polyline { fill: none; stroke: var(--link); stroke-width: 1.25; stroke-linejoin: round; }
.spark.bad polyline { stroke: var(--bad); }
.pager { display: flex; gap: 1rem; margin: 0.75rem 0; }
.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0.15rem 1.25rem; margin: 0 0 1rem; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.filter { display: flex; flex-wrap: wrap; align-items: end; gap: 0.5rem 0.75rem; margin: 0 0 1rem; }
label > span { display: block; color: var(--soft); font-size: var(--small); }
input, select, button, .button, textarea {
  font: inherit; color: inherit; padding: 0.22rem 0.5rem; border: 1px solid light-dark(#8b8f94, #6b737c);
  border-radius: 5px; background: var(--raised); max-width: 100%;
}
button, .button { cursor: pointer; text-decoration: none; display: inline-block; line-height: 1.5; }
button:hover, .button:hover { border-color: var(--ink); }
button.act { color: var(--paper); background: var(--ink); border-color: var(--ink); font-weight: 600; }
.acts { display: flex; flex-wrap: wrap; gap: 0.4rem; align-items: center; margin: 0.5rem 0; }
.scroll .acts { margin: 0; flex-wrap: nowrap; }
.warn p { margin: 0.15rem 0; }
.confirm { padding: 1rem 1.25rem; border: 1px solid var(--line); border-radius: 8px; background: var(--raised); max-width: 46rem; }
.confirm .says { font-size: 1rem; font-weight: 600; margin-top: 0; }
.confirm label { display: block; margin: 0.75rem 0; }
.confirm label input { width: 100%; }
pre { margin: 0.25rem 0; padding: 0.6rem 0.75rem; overflow: auto; max-height: 24rem; border-radius: 5px; background: var(--sunken); white-space: pre-wrap; overflow-wrap: anywhere; }
details > summary { cursor: pointer; }
.data { margin: 0; padding: 0.6rem 0.75rem; border: 1px solid var(--line); border-radius: 6px; background: var(--raised); font-family: var(--mono); font-size: var(--small); overflow-x: auto; }
.data ul { margin: 0; padding-left: 1.1rem; list-style: none; border-left: 1px solid var(--line); }
.data details { display: inline-block; vertical-align: top; max-width: 100%; }
.data .kind { color: var(--soft); }
.data .string { color: var(--good); overflow-wrap: anywhere; white-space: pre-wrap; }
.data .value { color: var(--link); overflow-wrap: anywhere; }
.attempts { margin: 0.25rem 0 0; padding: 0; list-style: none; border-left: 2px solid var(--line); }
.attempts > li { position: relative; padding: 0.15rem 0 0.4rem 1rem; }
.attempts > li::before { content: ''; position: absolute; left: -5px; top: 0.6rem; width: 8px; height: 8px; border-radius: 50%; background: var(--soft); }
.attempts > li.bad::before { background: var(--bad); }
.attempts > li.good::before { background: var(--good); }
.delivery { margin: 0 0 0.75rem; padding: 0.6rem 0.9rem; border: 1px solid var(--line); border-radius: 6px; background: var(--raised); }
.delivery h3 { margin: 0; display: flex; flex-wrap: wrap; gap: 0.6rem; align-items: baseline; }
.tree, .tree ul { margin: 0; padding-left: 1.2rem; list-style: none; }
.tree { padding-left: 0; }
.tree li { padding: 0.05rem 0; }
.tree ul { border-left: 1px solid var(--line); margin-left: 0.4rem; }
.tree .this { font-weight: 650; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(28rem, 100%), 1fr)); gap: 0 2rem; align-items: start; }
.columns > * { min-width: 0; }
`
