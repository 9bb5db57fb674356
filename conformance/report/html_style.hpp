#pragma once

namespace conformance {

inline constexpr const char* kStyle = R"(
:root{--ink:#1c2430;--soft:#5b6675;--line:#dde2e9;--paper:#fff;--back:#f4f6f9;--good:#137a43;--bad:#b3261e;--warn:#8a5a00;--mute:#6b7480;
--good-back:#e3f4ea;--bad-back:#fce8e6;--warn-back:#fdf1d8;--mute-back:#eceff3}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#9aa5b4;--line:#323b48;--paper:#1b212a;--back:#12161c;--good:#6fd39b;--bad:#ff9a90;
--warn:#f0c069;--mute:#9aa5b4;--good-back:#173325;--bad-back:#40201d;--warn-back:#3a2d12;--mute-back:#262d37}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:60rem;margin:0 auto;padding:1.25rem 1rem 3rem}
h1{font-size:1.5rem;line-height:1.25;margin:.25rem 0;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:2rem 0 .75rem}
h3{font-size:1rem;margin:0 0 .25rem;overflow-wrap:anywhere}
p{margin:.25rem 0}
.soft{color:var(--soft);font-size:.9rem;overflow-wrap:anywhere}
.card{background:var(--paper);border:1px solid var(--line);border-radius:.6rem;padding:1rem;margin:.75rem 0}
.bad-card{border-left:.35rem solid var(--bad)}
.counts{display:flex;flex-wrap:wrap;gap:.5rem;margin:.75rem 0 0;padding:0;list-style:none}
.tag{display:inline-block;border-radius:1rem;padding:.05rem .6rem;font-size:.85rem;font-weight:600;white-space:nowrap}
.counts .tag{font-size:1rem;padding:.25rem .85rem}
.pass,.observed{color:var(--good);background:var(--good-back)}
.fail,.crash,.hang,.failed{color:var(--bad);background:var(--bad-back)}
.warn,.warned{color:var(--warn);background:var(--warn-back)}
.skip,.untested,.absent{color:var(--mute);background:var(--mute-back)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem .9rem;margin:.6rem 0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
pre{background:var(--back);border:1px solid var(--line);border-radius:.4rem;padding:.6rem;margin:.4rem 0;font:.82rem/1.45 ui-monospace,Menlo,Consolas,monospace;
white-space:pre-wrap;overflow-wrap:anywhere;max-height:24rem;overflow-y:auto}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.92rem}
th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:600}
tr:last-child td,tr:last-child th{border-bottom:0}
tbody th{color:var(--ink);white-space:nowrap}
td .soft{display:block}
summary{cursor:pointer;font-weight:600;padding:.15rem 0}
summary .tag{margin-left:.35rem}
@media (max-width:34rem){dl{grid-template-columns:1fr;gap:0}dt{margin-top:.4rem}th,td{padding:.35rem .4rem}td .soft{font-size:.8rem}}
@media print{:root{--back:#fff;--paper:#fff;--ink:#000;--soft:#444;--line:#bbb}body{font-size:10pt}main{max-width:none;padding:0}
.card{break-inside:avoid;border-radius:0}pre{max-height:none}.tag{border:1px solid currentColor;background:none}
details::details-content{content-visibility:visible;block-size:auto}h2{break-after:avoid}tr{break-inside:avoid}}
)";

}  // namespace conformance
