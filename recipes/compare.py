"""Which method wins, and is the difference real?

python -m recipes.compare
python -m recipes.compare outputs/summarize other/outputs method=prompt,lora model=tiny_t5
python -m recipes.compare method=prompt --group-by method.num_virtual_tokens
python -m recipes.compare --format markdown --sort trainable --columns method,score,trainable
python -m recipes.compare task=qa --report report.html --plots figures

Words with = keep runs by their settings, written as for recipes.run: task=qa, seed=0,1,2,
training.learning_rate=0.3, method='glob(p*)', method.num_virtual_tokens='range(5,50,5)',
state=failed, debug=true (debug runs are left out otherwise).
All other words are folders: runs, or folders of runs; outputs if none is given.
docs/comparison.md shows it at work; docs/statistics.md says what the numbers mean.
"""

from __future__ import annotations

import argparse
import itertools
import re
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tunebook import terminal
from tunebook.command.command import DONE, FAILED, Parser, exit_code
from tunebook.errors import Problem, RequestError, did_you_mean

if TYPE_CHECKING:
    from tunebook.comparison import Filter, Loaded, Table

FLAGS = ("--format", "--sort", "--columns", "--group-by", "--report", "--plots", "--help")
OUTPUTS = "outputs"
PAGES = (".html", ".htm")
FILTER = re.compile(r"[+~]*[A-Za-z_][\w.@-]*=")


def main(words: list[str]) -> int:
    """0 when the tables are printed, 1 when that failed, 2 for a wrong request."""
    return exit_code(lambda: _compare(words), undone="nothing was compared")


def _compare(words: list[str]) -> int:
    given, unknown = _parser().parse_known_intermixed_args(words)
    if given.help:
        terminal.show(_help())
        return DONE
    flags = [word.partition("=")[0] for word in unknown if word.startswith("-")]
    problems = [Problem(flag, "no such flag", did_you_mean(flag, FLAGS)) for flag in flags]
    problems += _problems_of_flags(given)
    typed = _without_values_of(unknown, words, given.words)
    filters, wrong = _filters([word for word in typed if _is_filter(word)])
    folders = [word for word in typed if not _is_filter(word)]
    loaded = _load(folders, filters, [*problems, *wrong])
    columns = _checked_against(given, loaded)
    return _print(loaded, given, columns)


def _print(loaded: Loaded, given: argparse.Namespace, columns: list[str]) -> int:
    from tunebook import comparison

    for line in (*loaded.skipped, *loaded.notes):
        terminal.note(f"tunebook: {line}")
    if not loaded.runs:
        terminal.note("tunebook: no run can be read")
        return FAILED
    tables = comparison.tables(loaded.runs, given.group_by)
    if given.sort:
        comparison.sort(tables, given.sort)
    color = sys.stdout.isatty()
    text = comparison.render(tables, given.format, columns, color=color)
    terminal.show(text, end="", coloured=color)
    for file in _files(tables, loaded, given):  # told on stderr, apart from the table
        terminal.note(f"tunebook: wrote {file}")
    return DONE


def _files(tables: Sequence[Table], loaded: Loaded, given: argparse.Namespace) -> Iterator[Path]:
    """Write the files that are asked for."""
    if given.report:
        from tunebook.comparison.page import write_page

        write_page(tables, Path(given.report), loaded.skipped)
        yield Path(given.report)
    if given.plots:
        from tunebook.comparison.plots import write_plots

        files = write_plots(tables, Path(given.plots))
        if not files:
            terminal.note("tunebook: no figure: it takes two rows that are complete")
        yield from files


def _parser() -> Parser:
    usage = "%(prog)s [FOLDER ...] [KEY=VALUE ...] [options]"
    parser = Parser(prog="python -m recipes.compare", description=__doc__, usage=usage)
    add = parser.add_argument
    add("words", nargs="*", metavar="FOLDER or KEY=VALUE", help="what to compare")
    add("--format", default="rich", metavar="FORMAT", help="rich, markdown, csv, json or latex")
    add("--sort", metavar="COLUMN", help="order rows by this column, the better end first")
    add("--columns", metavar="A,B", help="show these columns, in this order")
    add("--group-by", metavar="KEY", help="a row for each value of a setting, in its order")
    add("--report", metavar="FILE.html", help="write tables, figures and examples as one page")
    add("--plots", metavar="FOLDER", help="write the figures as PDF and PNG files")
    add("-h", "--help", action="store_true", help="show this")
    return parser


def _help() -> str:
    from tunebook.comparison.columns import COLUMNS

    width = max(map(len, COLUMNS))
    lines = [f"  {name:<{width}}  {column.meaning}" for name, column in COLUMNS.items()]
    last = f"  {'KEY':<{width}}  any setting, such as training.learning_rate"
    return "\n".join([_parser().format_help(), "columns:", *lines, last])


def _problems_of_flags(given: argparse.Namespace) -> list[Problem]:
    from tunebook.comparison import FORMATS

    problems = []
    if given.format not in FORMATS:
        what = f"{given.format!r} is no format"
        problems.append(Problem("--format", what, did_you_mean(given.format, FORMATS)))
    problems += _no_page(given.report) if given.report is not None else []
    if given.plots is not None and (not given.plots or Path(given.plots).is_file()):
        remedy = "Name a folder, new or not."
        problems.append(Problem(f"--plots {given.plots}", "is no folder", remedy))
    return problems


def _no_page(name: str) -> list[Problem]:
    """What speaks against writing the page into the file `name`: nothing else is written over."""
    where, file = f"--report {name}", Path(name)
    if file.is_dir():
        return [Problem(where, "is a folder", f"Name a file in it: {file / 'report.html'}")]
    if file.suffix.lower() not in PAGES:
        return [Problem(where, "is no name of a page", f"Let it end in {' or '.join(PAGES)}.")]
    return []


def _without_values_of(flags: Sequence[str], words: list[str], given: list[str]) -> list[str]:
    """The words that are no flags; one behind a flag that is unknown is taken for its value."""
    behind = [after for before, after in itertools.pairwise(words) if before in flags]
    return [word for word in given if word not in behind]


def _is_filter(word: str) -> bool:
    """A word with = that is not the path of a run, whose name holds settings too."""
    return bool(FILTER.match(word)) and not Path(word).exists()


def _filters(words: Sequence[str]) -> tuple[list[Filter], list[Problem]]:
    """Hydra's own grammar reads them, so that choices, globs and ranges mean the same."""
    found, problems = [], []
    for word in words:
        try:
            found.append(_filter(word))
        except RequestError as error:
            problems += error.problems
    return found, problems


def _filter(word: str) -> Filter:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import Glob
    from hydra.errors import HydraException

    from tunebook.comparison import Filter

    try:
        override = OverridesParser.create().parse_override(word)
        key, value = override.key_or_group, override.value()
        if override.is_add() or override.is_delete() or override.is_interval_sweep():
            raise RequestError(Problem(word, "is no filter", "Write KEY=VALUE or KEY=A,B."))
        if isinstance(value, Glob):
            return Filter(key, patterns=value.include, word=word)
        swept = override.is_sweep_override()
        return Filter(key, list(override.sweep_iterator()) if swept else [value], word=word)
    except HydraException:
        key, _, value = word.partition("=")
        remedy = f"Quote it: '{key}=\"{value}\"'"
        raise RequestError(Problem(key, f"cannot read the value {value!r}", remedy)) from None


def _load(folders: list[str], filters: Sequence[Filter], problems: list[Problem]) -> Loaded:
    from tunebook import comparison

    try:
        loaded = comparison.load(folders or [OUTPUTS], filters)
    except RequestError as error:
        raise RequestError([*problems, *error.problems]) from None
    if problems:
        raise RequestError(problems)
    return loaded


def _checked_against(given: argparse.Namespace, loaded: Loaded) -> list[str]:
    """The names of columns that are asked for. Raises RequestError for names that mean nothing."""
    from tunebook.comparison.columns import COLUMNS
    from tunebook.comparison.filters import nearest_key
    from tunebook.comparison.keys import full_key

    known = {key for run in loaded.runs for key in run.settings}
    problems = []

    def checked(flag: str, name: str, columns: Collection[str]) -> str:
        found = name if name in columns else full_key(name, known)
        if found is None and loaded.runs:
            guesses = [did_you_mean(name, columns), nearest_key(name, known)]
            meant = [guess for guess in guesses if guess.startswith("Did you mean")]
            remedy = next(filter(None, [*meant, *guesses]))
            what = "no such column" if columns else "no run has such a setting"
            problems.append(Problem(f"{flag} {name}", what, remedy))
        return found or name

    names = given.columns.split(",") if given.columns else []
    columns = [checked("--columns", name.strip(), COLUMNS) for name in names]
    if given.sort:
        given.sort = checked("--sort", given.sort, COLUMNS)
    if given.group_by:
        given.group_by = checked("--group-by", given.group_by, ())
    if problems:
        raise RequestError(problems)
    return columns


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
