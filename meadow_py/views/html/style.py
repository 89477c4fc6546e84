"""The style of fragments, which must affect only them, and be unaffected by the page around them.

Text takes the colour of the page, and greys are translucent, so that a fragment follows the theme
of its notebook, light or dark, in every program. `prefers-color-scheme` would be wrong: it is the
theme of the system, and a notebook may have another.
"""

from __future__ import annotations

from meadow_py.views.html.markup import Markup

# Two class selectors override `.jp-RenderedHTMLCommon tbody tr:nth-child(odd)` of JupyterLab.
# On paper, folded parts are shown; lists of all weights stay folded unless opened.
# Colour-blind readers can tell blue from orange; both have a contrast of 3:1 on black and white.
FRAGMENT = """
.meadow-view{font-size:13px;line-height:1.45;text-align:left}
.meadow-view .meadow-title{font-size:1.15em;font-weight:600;margin:.3em 0;overflow-wrap:anywhere}
.meadow-view p.meadow-headline{font-size:1.15em;margin:.3em 0 .6em;padding:.4em .8em;max-width:60em;
border-left:4px solid #3b82c4;background:rgba(128,128,128,.1)}
.meadow-view p.meadow-note{margin:.2em 0;opacity:.8;overflow-wrap:anywhere}
.meadow-view p.meadow-verdict{margin:.3em 0 .6em;max-width:60em}
.meadow-view details.meadow-fold{margin:.3em 0;padding:0}
.meadow-view details.meadow-fold details.meadow-fold{margin-left:1.2em}
.meadow-view .meadow-fold>summary{cursor:pointer;font-weight:600;padding:.15em 0}
.meadow-view .meadow-scroll{overflow-x:auto;margin:.2em 0 .8em}
.meadow-view table.meadow-table{border-collapse:collapse;border-spacing:0;border:0;margin:0;
table-layout:auto;width:auto;font-size:1em;font-variant-numeric:tabular-nums;color:inherit}
.meadow-view .meadow-table caption{caption-side:top;text-align:left;padding:.3em 0;color:inherit;
font-weight:600;white-space:nowrap}
.meadow-view .meadow-table tr,.meadow-view .meadow-table tbody tr:nth-child(n){background:none}
.meadow-view .meadow-table tbody tr:nth-child(n):hover{background:rgba(128,128,128,.14)}
.meadow-view .meadow-table th,.meadow-view .meadow-table td{text-align:right;padding:.2em .7em;
border:0;white-space:nowrap;vertical-align:baseline;font-weight:400;color:inherit;
background:none;max-width:none;line-height:1.45}
.meadow-view .meadow-table thead th{vertical-align:bottom;
opacity:.8;border-bottom:1px solid rgba(128,128,128,.6)}
.meadow-view .meadow-table tfoot th,.meadow-view .meadow-table tfoot td{font-weight:600;
border-top:1px solid rgba(128,128,128,.6)}
.meadow-view .meadow-table .meadow-words{text-align:left}
.meadow-view .meadow-table th:first-child{padding-left:0}
.meadow-view .meadow-table tbody th.meadow-words{white-space:normal;min-width:9em;max-width:34em;
overflow-wrap:anywhere}
.meadow-view .meadow-table td.meadow-sentence{white-space:normal;min-width:16em;max-width:34em}
.meadow-view .meadow-table td.meadow-reproduced{border-left:4px solid #3b82c4}
.meadow-view .meadow-table td.meadow-approximated{border-left:4px solid rgba(59,130,196,.4)}
.meadow-view .meadow-table td.meadow-refuted{border-left:4px solid #d07a1f;font-weight:600}
.meadow-view .meadow-table td.meadow-needs-data{border-left:4px solid rgba(128,128,128,.3)}
.meadow-view .meadow-table td.meadow-ratio{position:relative;padding-left:80px}
.meadow-view .meadow-table td.meadow-ratio::after{content:"";position:absolute;left:50px;top:.2em;
height:1.45em;border-left:1px solid currentColor}
.meadow-view .meadow-ratio i{position:absolute;top:.55em;height:.75em;left:10px;
-webkit-print-color-adjust:exact;print-color-adjust:exact}
.meadow-view .meadow-ratio i.meadow-smaller,.meadow-view .meadow-share i{background:#3b82c4}
.meadow-view .meadow-ratio i.meadow-larger{background:#d07a1f}
.meadow-view .meadow-table td.meadow-share{position:relative;padding-left:80px}
.meadow-view .meadow-share i{position:absolute;top:.55em;height:.75em;left:10px;
-webkit-print-color-adjust:exact;print-color-adjust:exact}
.meadow-view dl.meadow-terms{display:grid;grid-template-columns:max-content 1fr;gap:.3em 1em;
margin:.3em 0;max-width:64em}
.meadow-view .meadow-terms dt{font-weight:600;margin:0}
.meadow-view .meadow-terms dd{margin:0}
@media (max-width:40em){.meadow-view{font-size:12px}
.meadow-view .meadow-table caption{white-space:normal}
.meadow-view .meadow-table th,.meadow-view .meadow-table td{padding:.2em .4em}
.meadow-view .meadow-table tbody th.meadow-words{min-width:8em}
.meadow-view .meadow-table td.meadow-ratio{padding-left:.4em}
.meadow-view .meadow-table td.meadow-share{padding-left:.4em}.meadow-view .meadow-share i,
.meadow-view .meadow-ratio i,.meadow-view .meadow-table td.meadow-ratio::after{display:none}
.meadow-view dl.meadow-terms{display:block}.meadow-view .meadow-terms dd{margin:0 0 .4em 1em}}
@media print{.meadow-view>details.meadow-fold::details-content{content-visibility:visible;
display:block;height:auto}.meadow-view .meadow-scroll{overflow:visible}
.meadow-view .meadow-table tfoot{display:table-row-group}}
"""

# The page of a report: light or dark like the reader's system, and light on paper.
PAGE = """
:root{color-scheme:light dark}
body{margin:0;background:#fff;color:#1c1c1c;font-family:system-ui,sans-serif}
main{max-width:72rem;margin:0 auto;padding:1rem}
@media (min-width:40em){.meadow-view{font-size:15px}}
.meadow-view h1.meadow-title{font-size:1.5em}
.meadow-view h2{font-size:1.25em;margin:1.4em 0 .4em}
.meadow-view .meadow-figure{margin:0 0 1.6em}
.meadow-view .meadow-figure svg{display:block;max-width:100%;height:auto}
.meadow-view .meadow-light,.meadow-view .meadow-dark{overflow-x:auto}
@media screen and (max-width:40em){.meadow-view .meadow-figure svg{min-width:32rem}}
.meadow-view figcaption{max-width:60em;margin:.2em 0}
.meadow-view .meadow-dark{display:none}
@media screen and (prefers-color-scheme:dark){body{background:#14161a;color:#e4e4e4}
.meadow-view .meadow-light{display:none}.meadow-view .meadow-dark{display:block}}
@media print{:root{color-scheme:light}main{max-width:none;padding:0}
.meadow-view .meadow-figure{break-inside:avoid}}
"""


def style(rules: str) -> Markup:
    """A ``<style>`` element."""
    return Markup(f"<style>{rules}</style>")
