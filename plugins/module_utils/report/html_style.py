# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The style sheet of the report: light and dark, wide and narrow, screen and paper. It names no file and no font to be fetched.

Colours of words have a contrast of at least 4.5 to what they stand on, in both schemes.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

STYLE = """
:root{color-scheme:light dark;--bg:#f4f5f7;--card:#fff;--ink:#18212c;--muted:#566271;--line:#dfe3e9;--soft:#eef1f4;--accent:#2157c4;
--good:#17714a;--good-soft:#e5f4ec;--good-fill:#2f9d68;--warn:#835400;--warn-soft:#fdf3da;--warn-fill:#dd9b1c;
--bad:#b3261e;--bad-soft:#fdebe9;--bad-fill:#d8392f;--none-fill:#c3cad3;--chart:#4a78d0;--chart-soft:#4a78d026}
@media (prefers-color-scheme:dark){:root{--bg:#0f141a;--card:#171e26;--ink:#e4e9ef;--muted:#9ba8b6;--line:#2b3541;--soft:#202934;
--accent:#8db4ff;--good:#68d3a0;--good-soft:#12291f;--good-fill:#38b179;--warn:#efbd58;--warn-soft:#2d2411;--warn-fill:#d99b26;
--bad:#ff958c;--bad-soft:#361917;--bad-fill:#ec5a50;--none-fill:#3d4855;--chart:#7fa6ee;--chart-soft:#7fa6ee2b}}
*{box-sizing:border-box}
html{scroll-padding-top:1rem}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif;
font-variant-numeric:tabular-nums}
header,main,footer{max-width:1180px;margin:0 auto;padding:0 24px}
a{color:var(--accent);text-underline-offset:2px}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:4px}
.skip{position:absolute;left:-999px;top:0;background:var(--card);padding:8px 16px;z-index:9}.skip:focus{left:8px;top:8px}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
[hidden]{display:none!important}
header{display:flex;flex-wrap:wrap;gap:4px 24px;align-items:baseline;padding-top:28px;padding-bottom:12px}
h1{font-size:17px;font-weight:650;margin:0}
header p{margin:0;color:var(--muted)}
nav{margin-left:auto}nav ul{display:flex;flex-wrap:wrap;gap:4px 18px;list-style:none;margin:0;padding:0}
h2{font-size:19px;font-weight:650;margin:40px 0 12px}
h3{font-size:15px;font-weight:650;margin:24px 0 8px}h4{font-size:13.5px;font-weight:600;margin:0}
.muted{color:var(--muted)}.small{font-size:13px}
.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}
.f-good{fill:var(--good-fill)}.f-warn{fill:var(--warn-fill)}.f-bad{fill:var(--bad-fill)}.f-none{fill:var(--none-fill)}
.card,.verdict,details.plan,details.person{background:var(--card);border:1px solid var(--line);border-radius:10px}
.card{padding:16px 20px}
.icon{width:1em;height:1em;vertical-align:-.12em;flex:none;fill:none;stroke:currentColor;stroke-width:2.2;stroke-linecap:round;
stroke-linejoin:round}
.state{display:inline-flex;gap:.4em;align-items:center;font-weight:600;white-space:nowrap}
.verdict{padding:26px 28px 24px;border-left-width:6px}
.verdict h2{display:flex;gap:14px;align-items:center;font-size:30px;line-height:1.2;letter-spacing:-.01em;margin:0}
.verdict h2 .icon{width:38px;height:38px;stroke-width:2}
.verdict>p{margin:8px 0 0;max-width:90ch;font-size:16px}
.verdict.v-good{border-left-color:var(--good-fill);background:linear-gradient(90deg,var(--good-soft),var(--card) 60%)}
.verdict.v-warn{border-left-color:var(--warn-fill);background:linear-gradient(90deg,var(--warn-soft),var(--card) 60%)}
.verdict.v-bad{border-left-color:var(--bad-fill);background:linear-gradient(90deg,var(--bad-soft),var(--card) 60%)}
.verdict.v-none{border-left-color:var(--none-fill)}
.verdict.v-good h2{color:var(--good)}.verdict.v-bad h2{color:var(--bad)}.verdict.v-warn h2{color:var(--warn)}
.everybody{margin-top:20px}
.squares{display:block;max-width:100%;height:auto}
.shares{display:block;width:100%;height:12px;border-radius:6px;overflow:hidden}
.legend{display:flex;flex-wrap:wrap;gap:2px 20px;list-style:none;margin:10px 0 0;padding:0;font-size:13px;color:var(--muted)}
.legend svg{width:10px;height:10px;margin-right:6px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(165px,1fr));gap:12px;margin:16px 0 0}
.tiles>div{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 18px}
.tiles dt{color:var(--muted);font-size:13px}.tiles dd{margin:0}
.tiles dd:first-of-type{font-size:22px;font-weight:650;letter-spacing:-.01em;line-height:1.35}
.tiles dd+dd{font-size:13px;color:var(--muted)}
.todo.card{list-style:none;margin:0;padding:6px 20px}
.todo li{display:grid;grid-template-columns:22px 1fr;gap:0 8px;padding:11px 0;border-top:1px solid var(--line)}
.todo li:first-child{border-top:0}.todo .icon{width:18px;height:18px;margin-top:3px}
.todo p{margin:0}.todo p+p{color:var(--muted);font-size:13.5px}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:10px}
.scroll+.scroll,.scroll+h3{margin-top:16px}
table{border-collapse:collapse;width:100%}tbody th{min-width:9em}
caption{text-align:left;padding:14px 20px 4px;color:var(--muted);font-size:13px}
th,td{padding:9px 12px;text-align:left;vertical-align:top;border-top:1px solid var(--line)}
th:first-child,td:first-child{padding-left:20px}th:last-child,td:last-child{padding-right:20px}
thead th{border-top:0;font-size:12.5px;font-weight:600;color:var(--muted);vertical-align:bottom;white-space:nowrap}
tbody th{font-weight:600}
td.number,th.number{text-align:right}
td .strip{display:block;margin-top:3px}
thead button{all:unset;cursor:pointer;color:var(--ink)}thead button:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
thead button::after{content:"";display:inline-block;width:1em;text-align:center}
[aria-sort=ascending] button::after{content:"\\2191"}[aria-sort=descending] button::after{content:"\\2193"}
details.plan{margin:0 0 10px}
summary{cursor:pointer}
details.plan>summary{display:grid;grid-template-columns:18px minmax(200px,1fr) auto auto;gap:4px 20px;align-items:center;padding:14px 20px;
list-style:none;border-radius:10px}
summary::-webkit-details-marker{display:none}
details.plan>summary::before,details.person>summary::before{content:"";width:7px;height:7px;margin-left:3px;border:solid var(--muted);
border-width:0 2px 2px 0;transform:rotate(-45deg)}
details[open].plan>summary::before,details[open].person>summary::before{transform:rotate(45deg)}
details.plan>summary h3{margin:0;font-size:16px}
details.plan>div{padding:0 20px 20px;border-top:1px solid var(--line)}
details.fold>summary{padding:8px 0;color:var(--accent)}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(250px,1fr));gap:10px 24px;margin:18px 0 6px}
.facts dt{color:var(--muted);font-size:13px}.facts dd{margin:0;overflow-wrap:anywhere}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(310px,100%),1fr));gap:14px;margin-top:16px}
figure{display:flex;flex-direction:column;margin:0;border:1px solid var(--line);border-radius:10px;padding:14px 16px 8px}
figcaption p{margin:0 0 8px;color:var(--muted);font-size:13px}
.chart{display:block;width:100%;height:auto;margin-top:auto;overflow:visible}
.chart text{font-size:11px;fill:var(--muted)}.chart .end{text-anchor:end}.chart .middle{text-anchor:middle}
.chart .grid{stroke:var(--line);fill:none}.chart .area{fill:var(--chart-soft)}
.chart .line{stroke:var(--chart);stroke-width:1.8;fill:none;stroke-linejoin:round}.chart .dot{fill:var(--chart)}
.chart .promise{stroke:var(--ink);stroke-width:1.2;stroke-dasharray:4 4;fill:none}.chart .promised{fill:var(--ink)}
.chart .broken{fill:var(--bad-fill);fill-opacity:.45;stroke:var(--bad-fill);stroke-width:1.5}
.names{columns:3 240px;margin:8px 0 0;padding:0;list-style:none;font-size:13.5px}.names li{break-inside:avoid;padding:2px 0}
.tools{display:flex;flex-wrap:wrap;gap:10px 18px;align-items:center;margin:0 0 12px}
.tools input,.tools select{font:inherit;color:inherit;background:var(--card);
border:1px solid var(--muted);border-radius:8px;padding:6px 12px}
.tools input{min-width:260px}
details.person{border-radius:0;border-top-width:0}
details.person:first-of-type{border-top-width:1px;border-radius:10px 10px 0 0}details.person:last-of-type{border-radius:0 0 10px 10px}
details.person>summary{display:grid;grid-template-columns:18px 170px minmax(180px,1.2fr) minmax(140px,1fr) 130px;gap:0 14px;
align-items:center;padding:9px 20px;list-style:none}
details.person>summary:hover,details.plan>summary:hover{background:var(--soft)}
details.person>div{padding:4px 20px 16px 52px}
.person td,.person th{padding:6px 12px}.person table{font-size:14px}
.person .scroll{border-radius:6px}
b{font-weight:600}
bdi{overflow-wrap:break-word}
time{white-space:nowrap}.plain{font-weight:400}
.fold>.scroll{margin-top:6px}
footer{margin-top:48px;padding-top:18px;padding-bottom:40px;color:var(--muted);font-size:13px}
@media (max-width:760px){header,main,footer{padding-left:14px;padding-right:14px}.verdict{padding:20px 18px}.verdict h2{font-size:23px}
nav{margin-left:0}details.plan>summary{grid-template-columns:18px 1fr}details.plan>summary>*{grid-column:2}
details.plan>summary::before{grid-row:1}details.person>summary{grid-template-columns:18px 1fr}details.person>summary>*{grid-column:2}
details.person>summary::before{grid-row:1}details.person>div{padding-left:20px}.tools input{min-width:0;width:100%}}
@media (prefers-reduced-motion:no-preference){html{scroll-behavior:smooth}}
@media print{body{background:#fff}nav,.tools,.skip{display:none}.card,.verdict,details,figure{break-inside:avoid}}
"""
