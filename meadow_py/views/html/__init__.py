"""Results as HTML: fragments for notebooks, and a page that stands alone.

They need no JavaScript and no outside resources. Text from files is escaped in one place:
`markup.text`.
"""

from __future__ import annotations

from meadow_py.views.html.page import report
from meadow_py.views.html.profile import profile_html
from meadow_py.views.html.sensitivity import sensitivity_html

__all__ = ["profile_html", "report", "sensitivity_html"]
