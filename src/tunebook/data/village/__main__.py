"""Print rows of the village.

python -m tunebook.data.village qa test 5
python -m tunebook.data.village --page > docs/village.md
"""

from __future__ import annotations

import json
import sys

from tunebook.data.village.page import page
from tunebook.data.village.rows import rows


def main(arguments: list[str]) -> int:
    """Print the page, or rows as JSON lines; 2 if the request is wrong."""
    if arguments == ["--page"]:
        print(page(), end="")
        return 0
    try:
        task, split, count = (*arguments, *("train", "10")[len(arguments) - 1 :])
        for row in rows(task, split, int(count)):
            print(json.dumps(row, ensure_ascii=False))
    except ValueError as fault:
        print(f"{fault}\n{__doc__}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
