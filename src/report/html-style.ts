import { statusColours } from '../topology/drawing.ts'

const chips = Object.entries(statusColours)
  .map(([status, { line, fill }]) => `.chip.${status}{color:${line};background:${fill};border-color:${line}}`)
  .join('\n')

export const reportStyle = `<style>
:root{--ink:#0f172a;--soft:#55627a;--paper:#f6f7f9;--card:#fff;--line:#dde3ea;--bad:#b91c1c;--accent:#1d4ed8}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaf1;--soft:#9aa7bb;--paper:#0e131b;--card:#161d28;--line:#2a3444;--bad:#f38b8b;--accent:#8ab4ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,'Segoe UI',Helvetica,Arial,sans-serif}
header,main{max-width:1060px;margin:0 auto;padding:0 20px}
header{padding-top:36px}
h1{font-size:28px;line-height:1.2;margin:0 0 14px;overflow-wrap:anywhere}
h2{font-size:16px;margin:0 0 12px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 18px;margin:0 0 8px}
dl div{display:contents}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
code,pre,.journal td{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:18px 20px;margin:20px 0}
.wide{overflow-x:auto}
.figure svg{display:block;max-width:100%;height:auto;margin:0 auto}
/* Their white ground, for when they stand alone; here the card is the ground. */
.figure svg>rect:first-of-type{fill:none}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:5px 12px 5px 0;border-bottom:1px solid var(--line);vertical-align:top}
tbody tr:last-child td{border-bottom:0}
th{font-weight:600;color:var(--soft);font-size:13px}
.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.n+td:not(.n),.n+th:not(.n){padding-left:12px}
.bad{color:var(--bad);font-weight:600}
.quiet td,.rest,.gap td{color:var(--soft)}
.chip{display:inline-block;border:1px solid;border-radius:99px;padding:0 9px;font-size:12.5px}
${chips}
.problems{border-color:var(--bad)}
.problems h2{color:var(--bad)}
.problems pre{margin:10px 0 0;white-space:pre-wrap;overflow-wrap:anywhere}
summary{cursor:pointer;color:var(--soft)}
summary h2{display:inline;color:var(--ink)}
.filters{display:flex;flex-wrap:wrap;gap:8px 20px;align-items:center;color:var(--soft)}
input,select{font:inherit;color:var(--ink);background:var(--paper);border:1px solid var(--line);border-radius:6px;padding:3px 8px;max-width:100%}
.journal td{padding:2px 12px 2px 0;overflow-wrap:anywhere;min-width:4em}
.journal td:nth-child(3){white-space:nowrap;color:var(--accent)}
.mw-traces{border:0;padding:0;margin:0;background:none}
.mw-traces+details{margin-top:14px}
.mw-traces td,.mw-traces tr:last-child td{border:0}
@media (prefers-color-scheme:dark){
/* The drawings are made for white paper: lightness is turned round, hues stay. */
.figure svg{filter:invert(.9) hue-rotate(180deg)}
.chip{filter:invert(.9) hue-rotate(180deg)}
}
@media print{body{background:#fff}section{break-inside:avoid}}
</style>`

export const reportScript = `<script>
const journal = document.querySelector('#journal')
const rows = [...journal.querySelectorAll('tbody tr')]
const [text, type, count] = ['input', 'select', 'output'].map((name) => journal.querySelector(name))
const filter = () => {
  const wanted = text.value.toLowerCase()
  let shown = 0
  for (const row of rows) {
    row.hidden = !((!type.value || row.dataset.type === type.value) && row.textContent.toLowerCase().includes(wanted))
    if (!row.hidden) shown++
  }
  count.textContent = shown + (shown === 1 ? ' line' : ' lines')
}
text.addEventListener('input', filter)
type.addEventListener('change', filter)
</script>`
