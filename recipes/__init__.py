"""What a user types. One module a command; `compose` gives the same settings in Python."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if sys.argv[:1] == ["-m"]:  # Python looks for a command's module: python -m recipes.COMMAND
    from tunebook.interruption import leave_at_once

    leave_at_once()

if TYPE_CHECKING:
    from tunebook.settings import Settings


def compose(*overrides: str) -> Settings:
    """Settings for `tunebook.run`, from the words one would type behind `python -m recipes.run`.

    Raises tunebook.errors.RequestError with every problem found.
    """
    from tunebook.request.request import compose as compose_request

    return compose_request(list(overrides))
