/** The stylesheet, first part: colours for light and dark, one scale of type, and the frame of each page. */
export const BASE = /* css */ `
:root {
  color-scheme: light dark;
  --paper: light-dark(#fdfdfc, #15171a);
  --raised: light-dark(#ffffff, #1c1f23);
  --sunken: light-dark(#f3f3f0, #101214);
  --line: light-dark(#dddcd6, #33383e);
  --ink: light-dark(#1c1d1f, #e8e8e4);
  --soft: light-dark(#585c62, #a5abb3);
  --link: light-dark(#0b5394, #8ab8f0);
  --good: light-dark(#146c3a, #7ed09c);
  --bad: light-dark(#a8221b, #ff9d92);
  --wait: light-dark(#7a4b00, #eec06f);
  --good-back: light-dark(#e4f4e9, #16301f);
  --bad-back: light-dark(#fdeae7, #3d1b18);
  --wait-back: light-dark(#fdf1d8, #382a10);
  --text: 0.875rem;
  --small: 0.78125rem;
  --large: 1.375rem;
  --mono: ui-monospace, 'SF Mono', 'Cascadia Mono', 'JetBrains Mono', Menlo, Consolas, monospace;
}
*, ::before, ::after { box-sizing: border-box; }
html { scrollbar-gutter: stable; }
body {
  margin: 0;
  background: var(--paper);
  color: var(--ink);
  font: 400 var(--text) / 1.5 system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif;
}
a { color: var(--link); text-underline-offset: 0.15em; text-decoration-thickness: 1px; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 2px; }
main:focus { outline: none; }
h1 { margin: 0 0 0.75rem; font-size: var(--large); line-height: 1.25; font-weight: 650; overflow-wrap: anywhere; }
h2 { margin: 1.75rem 0 0.5rem; font-size: 1rem; line-height: 1.3; font-weight: 650; }
h3 { margin: 1rem 0 0.25rem; font-size: var(--text); font-weight: 650; }
p { margin: 0.5rem 0; max-width: 80ch; }
code, pre, .mono { font-family: var(--mono); font-size: var(--small); }
code { overflow-wrap: anywhere; }
.skip { position: absolute; left: -100vw; top: 0; z-index: 2; padding: 0.5rem 1rem; background: var(--raised); }
.skip:focus { left: 0; }
body > header {
  display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem 1.25rem;
  padding: 0.5rem 1.25rem; border-bottom: 1px solid var(--line); background: var(--raised);
}
.brand { color: inherit; font-weight: 700; text-decoration: none; }
header nav ul { display: flex; flex-wrap: wrap; gap: 0.125rem; margin: 0; padding: 0; list-style: none; }
header nav a { display: block; padding: 0.25rem 0.6rem; border-radius: 5px; color: var(--soft); text-decoration: none; }
header nav a:hover { color: var(--ink); background: var(--sunken); }
header nav a[aria-current] { color: var(--ink); background: var(--sunken); font-weight: 600; }
header form { display: flex; gap: 0.25rem; margin-left: auto; }
header input { width: 14rem; }
.viewer { margin: 0; color: var(--soft); font-size: var(--small); }
.live { min-width: 7.5rem; }
main { padding: 1.25rem; max-width: 100rem; margin: 0 auto; }
.notice, .problem, .warn { padding: 0.5rem 0.75rem; border-left: 3px solid; border-radius: 3px; overflow-wrap: anywhere; }
.notice { border-color: var(--good); background: var(--good-back); }
.problem { border-color: var(--bad); background: var(--bad-back); }
.warn { border-color: var(--wait); background: var(--wait-back); }
.none, .empty, .hint, .hidden { color: var(--soft); }
.hidden { font-style: italic; }
.hint { font-size: var(--small); }
`
