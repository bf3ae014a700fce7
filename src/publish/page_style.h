/* The page's style sheet. Its hash goes into the page's policy, so it is one constant text. */
#ifndef EC_PUBLISH_PAGE_STYLE_H
#define EC_PUBLISH_PAGE_STYLE_H

/* clang-format off */
static const char page_style[] =
    ":root{color-scheme:light dark;--bg:#fff;--fg:#1a1f24;--soft:#5a6570;--line:#d5dae0;--card:#f4f6f8;"
    "--ok:#0a6b3d;--warn:#8a5300;--bad:#b3261e}"
    "@media(prefers-color-scheme:dark){:root{--bg:#14181c;--fg:#e6eaee;--soft:#9aa6b2;--line:#333c45;--card:#1d2329;"
    "--ok:#5fd39a;--warn:#f0b45a;--bad:#ff8a80}}"
    "*{box-sizing:border-box}"
    "body{margin:0 auto;max-width:90rem;padding:1.5rem;background:var(--bg);color:var(--fg);"
    "font:1rem/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,sans-serif}"
    "h1{font-size:1.5rem;margin:0 0 1rem}h2{font-size:1.15rem;margin:2rem 0 .5rem}"
    ".banner{border-left:.4rem solid;padding:.75rem 1rem;background:var(--card);margin:0 0 1rem}"
    ".banner strong{display:block;font-size:1.25rem}"
    ".passed,.skipped{border-color:var(--ok)}.passed strong,b.passed,b.skipped{color:var(--ok)}"
    ".warned{border-color:var(--warn)}.warned strong,b.warned{color:var(--warn)}"
    ".failed,.errored{border-color:var(--bad)}.failed strong,.errored strong,b.failed,b.errored{color:var(--bad)}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:0}dt{color:var(--soft)}dd{margin:0}"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.75rem;padding:0;margin:1.25rem 0;list-style:none}"
    ".tiles li{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.75rem 1rem}"
    ".tiles span{display:block;font-size:1.4rem;font-variant-numeric:tabular-nums}.tiles small{color:var(--soft)}"
    ".scroll{overflow-x:auto;border:1px solid var(--line);border-radius:.5rem}"
    "table{border-collapse:collapse;width:100%;font-size:.875rem}"
    "th,td{text-align:left;vertical-align:top;padding:.4rem .45rem;border-bottom:1px solid var(--line)}"
    "tr:last-child>*{border-bottom:0}thead th{background:var(--card);white-space:nowrap}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
    "tbody th{min-width:11rem;font-weight:600}td ul{margin:0;padding-left:1.1rem;min-width:13rem}"
    "bdi{overflow-wrap:anywhere}td:nth-child(2)>bdi{overflow-wrap:normal}b{white-space:nowrap}meter{width:3.2rem;display:block;margin-left:auto}"
    "a{color:inherit}small,caption,footer{color:var(--soft)}footer{margin-top:2rem;font-size:.85rem}"
    "caption{text-align:left;padding:.4rem .7rem}"
    "@media print{body{max-width:none;padding:0;font-size:9pt}.scroll{overflow:visible;border:0}tr{break-inside:avoid}"
    "thead{display:table-header-group}meter{display:none}tbody th,td ul{min-width:0}}";
/* clang-format on */

#endif
