"""The looks of the HTML report: one style sheet, for a phone and for a wide screen, light and dark."""

from __future__ import annotations

STYLE = """
:root{--ink:#1c2430;--dim:#5b6675;--line:#d7dce3;--ground:#fff;--soft:#f4f6f8;--bad:#b3261e;--look:#8a5a00;--mark:#1f6feb}
@media (prefers-color-scheme:dark){:root{--ink:#e4e8ee;--dim:#98a3b3;--line:#343c48;--ground:#14181e;
--soft:#1c222a;--bad:#ff8a80;--look:#e8b34b;--mark:#6ea8ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.45 system-ui,sans-serif;overflow-wrap:anywhere}
main,header,footer{max-width:72rem;margin:0 auto;padding:0 1rem}
header{padding-top:1.25rem}
h1{font-size:1.35rem;margin:0}
h2{font-size:1.1rem;margin:2rem 0 .5rem;padding-bottom:.2rem;border-bottom:1px solid var(--line)}
h3{font-size:1rem;margin:1rem 0 .3rem}
p{margin:.4rem 0}
nav{margin:.8rem 0;display:flex;flex-wrap:wrap;gap:.3rem 1rem}
a{color:var(--mark)}
code,pre,.code{font:13px/1.4 ui-monospace,monospace}
pre{margin:.3rem 0;white-space:pre-wrap}
.dim{color:var(--dim)}
.finding{border-left:4px solid var(--mark);background:var(--soft);padding:.5rem .8rem;margin:.6rem 0}
.finding.bad{border-color:var(--bad)}.finding.look{border-color:var(--look)}
.finding p:first-child{font-weight:600}
.bad{color:var(--bad)}
.finding.bad{color:inherit}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:.88rem;overflow-wrap:break-word}
table.facts{overflow-wrap:anywhere}
th,td{text-align:left;vertical-align:top;padding:.2rem .8rem .2rem 0;border-bottom:1px solid var(--line)}
th{color:var(--dim);font-weight:500}
td.number,th.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
td.key{color:var(--dim);min-width:5.5rem}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,20rem),1fr));gap:1rem}
figure{margin:0}figcaption{font-size:.88rem}
.plots svg{display:block;width:100%;height:auto}
.plots svg text{fill:var(--dim);font:11px system-ui,sans-serif}
.axis{stroke:var(--line);stroke-width:1}
.curve{fill:none;stroke:var(--mark);stroke-width:1.8}
details{border-bottom:1px solid var(--line);padding:.3rem 0}
summary{cursor:pointer}
footer{padding:2rem 1rem;font-size:.85rem}
"""
