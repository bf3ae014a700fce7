"""The picture of the README: bars as SVG, readable on light and dark pages, without any library."""
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT, ROW, BAR = 760, 150, 130, 30, 18
STYLE = """
    text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
    .title { font-weight: 600; font-size: 14px; }
    .note { fill: #59636e; font-size: 12px; }
    .bar { fill: #8c959f; }
    .own { fill: #0969da; }
    .floor { fill: #d1d9e0; }
    .axis { stroke: #d1d9e0; }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc; }
      .note { fill: #9198a1; }
      .bar { fill: #656c76; }
      .own { fill: #4493f8; }
      .floor { fill: #3d444d; }
      .axis { stroke: #3d444d; }
    }
"""


class Panel:
    """A title, a remark below it, and bars: (label, value, what is written beside it, class)."""

    def __init__(self, title, note, bars):
        self.title, self.note, self.bars = title, note, bars

    @property
    def height(self):
        return 54 + ROW * len(self.bars) + 14

    def draw(self, top):
        longest = max(value for _, value, _, _ in self.bars)
        lines = [f'  <text class="title" x="16" y="{top + 22}">{escape(self.title)}</text>',
                 f'  <text class="note" x="16" y="{top + 40}">{escape(self.note)}</text>',
                 f'  <line class="axis" x1="{LEFT}" y1="{top + 50}" x2="{LEFT}" y2="{top + 54 + ROW * len(self.bars)}"/>']
        for i, (label, value, shown, kind) in enumerate(self.bars):
            y = top + 54 + ROW * i
            width = max(1.0, (WIDTH - LEFT - RIGHT) * value / longest)
            lines += [f'  <text x="{LEFT - 10}" y="{y + 19}" text-anchor="end">{escape(label)}</text>',
                      f'  <rect class="{kind}" x="{LEFT}" y="{y + 5}" width="{width:.1f}" height="{BAR}" rx="3"/>',
                      f'  <text x="{LEFT + width + 8:.1f}" y="{y + 19}">{escape(shown)}</text>']
        return lines


def svg(panels, caption):
    height = sum(panel.height for panel in panels) + 34
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" aria-label="{escape(caption, {chr(34): "&quot;"})}">',
             f"  <style>{STYLE}  </style>"]
    top = 0
    for panel in panels:
        lines += panel.draw(top)
        top += panel.height
    lines += [f'  <text class="note" x="16" y="{top + 20}">{escape(caption)}</text>', "</svg>", ""]
    return "\n".join(lines)
