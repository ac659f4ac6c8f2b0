"""Hard prompts: the text around the fields of an example."""

from tunebook.templates.template import (
    BARE,
    INSTRUCTION,
    Template,
    bare_text,
    check_on_rows,
    check_template,
)

__all__ = ["BARE", "INSTRUCTION", "Template", "bare_text", "check_on_rows", "check_template"]
