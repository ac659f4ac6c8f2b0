"""Hard prompts: the text around the fields of an example."""

from tunebook.templates.template import BARE, Template, bare_text, check_template

__all__ = ["BARE", "Template", "bare_text", "check_template"]
