"""A dry run: everything that a run would do, a little of it, and what the rest would take."""

from tunebook.pipeline.dry_run.flow import dry_run

__all__ = ["dry_run"]
