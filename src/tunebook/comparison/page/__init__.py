"""report.html: tables, figures and test examples side by side, in one file that opens offline.

from tunebook.comparison.page import write_page
write_page(comparison.tables(loaded.runs), Path("report.html"), loaded.skipped)
"""

from tunebook.comparison.page.write import write_page

__all__ = ["write_page"]
