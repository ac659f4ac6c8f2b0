"""Is this machine ready, and are these settings wise? Answered without torch and network."""

from tunebook.book.doctor.findings import CAUTION, WELL, WRONG, Finding, of_problems, show
from tunebook.book.doctor.machine import look_at_machine
from tunebook.book.doctor.request import look_at_settings

__all__ = ["CAUTION", "WELL", "WRONG", "Finding"]
__all__ += ["look_at_machine", "look_at_settings", "of_problems", "show"]
