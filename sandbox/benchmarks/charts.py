"""Charts as SVG: horizontal bars that follow the reader's light or dark theme."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

_WIDTH, _LEFT, _LONGEST = 640, 90, 380  # px
_TOP, _STEP, _THICK = 44, 34, 22  # px

# In a page the file is an image: it sees the reader's theme, but no style of the page. Mid tones for the
# bars and a text colour of its own for each theme keep it legible on both.
_STYLE = """\
  <style>
    text { font: 14px system-ui, sans-serif; fill: #24292f }
    .title { font-weight: 600 }
    .note { fill: #57606a }
    rect { fill: #2f81b7 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .note { fill: #9198a1 }
      rect { fill: #4a9fd8 }
    }
  </style>"""


class Bar(NamedTuple):
    """A bar: its label on the left, how long it is, and a note behind its value."""

    label: str
    value: float
    note: str


def drawn(title: str, bars: Sequence[Bar], *, left: int = _LEFT, form: str = ".0f") -> str:
    """
    Return the SVG of a chart; lengths are linear and begin at 0.

    Args:
        title: Above the bars.
        bars: From above.
        left: px before the bars, for their labels.
        form: Of the values.
    """
    height = _TOP + _STEP * len(bars) + 6
    longest = max(bar.value for bar in bars)
    words = "; ".join(f"{bar.label}: {bar.value:{form}}, {bar.note}" for bar in bars)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}"'
        f' height="{height}" role="img" aria-label="{escape(f"{title}. {words}")}">',
        _STYLE,
        f'  <text class="title" x="0" y="20">{escape(title)}</text>',
    ]
    for number, bar in enumerate(bars):
        top, length = _TOP + _STEP * number, round((_LONGEST + _LEFT - left) * bar.value / longest, 1)
        base = top + _THICK - 6
        lines += [
            f'  <text x="{left - 10}" y="{base}" text-anchor="end">{escape(bar.label)}</text>',
            f'  <rect x="{left}" y="{top}" width="{length:g}" height="{_THICK}" rx="3"/>',
            f'  <text x="{left + length + 8:g}" y="{base}">{bar.value:{form}}'
            f' <tspan class="note" dx="6">{escape(bar.note)}</tspan></text>',
        ]
    return "\n".join([*lines, "</svg>", ""])
