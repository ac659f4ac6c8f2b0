"""Put new text through a finished run.

python -m recipes.predict RUN --text "She sings."
python -m recipes.predict RUN --question "Who sings?" --context "Mia sings at the mill."
python -m recipes.predict RUN --input new.jsonl --output predictions.jsonl
echo "She sings." | python -m recipes.predict RUN

Several runs answer the same text or the same rows, each its own way, a column a run. Rows of a file
that has a column `run` are answered by the run that it names. Soft prompts, prefixes and baselines
over one base model share batches; that changes no answer.

python -m recipes.predict RUN RUN --text "She sings."
python -m recipes.predict RUN RUN RUN --input new.jsonl --output predictions.jsonl
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tunebook import tasks, terminal
from tunebook.command.command import DONE, Parser, exit_code
from tunebook.errors import Problem, RequestError, did_you_mean
from tunebook.plugins import find
from tunebook.predicting import FinishedRun, MixedPredictor, Predictor, predict_file, read_runs
from tunebook.predicting.fields import (
    flag,
    reads,
    row_from,
    row_of_line,
    rows_by_run,
    rows_of_line,
    usage,
)

FIELD = "field:"


def main(words: list[str]) -> int:
    """0 when everything is answered, 1 when it failed or was stopped, 2 for a wrong request."""
    return exit_code(
        lambda: _answer(words),
        interrupted="interrupted; the same command continues",
        out_of_memory="Lower --batch-size; the same command continues",
    )


def _answer(words: list[str]) -> int:
    given, unknown = _parser().parse_known_args(words)
    folders, unknown = _sorted_out(given, unknown)
    if given.help:
        terminal.show(_help(folders))
        return DONE
    if not folders:
        raise RequestError(Problem("RUN", "is missing", "Give the folder of a finished run."))
    runs = read_runs(folders)
    _check(given, unknown, [run.task for run in runs.values()])
    if given.input:
        predict_file(runs, given.input, given.output, fields=_mapping(given.field),
                     overwrite=given.overwrite, say=_say, **_loading(given))  # fmt: skip
        return DONE
    has_text = _by_field(given) or given.text not in (None, "-")
    if len(runs) > 1:
        return _text_by_several(runs, given) if has_text else _lines_by_several(runs, given)
    (run,) = runs.values()
    return _answer_text(run, given) if has_text else _answer_lines(run, given)


def _sorted_out(given: argparse.Namespace, unknown: list[str]) -> tuple[list[str], list[str]]:
    """The folders of runs, wherever they stand among the flags, and what is not understood.

    A word behind a flag that is unknown is taken for its value.
    """
    flags = [word for word in unknown if word.startswith("--")]
    loose = [word for before, word in itertools.pairwise(["", *unknown])
             if not word.startswith("--") and (not before.startswith("--") or "=" in before)
             ]  # fmt: skip
    words = [*given.words, *loose]
    given.dash = "-" in words
    words = [word for word in words if word != "-"]
    folders = [*words[:1], *filter(_is_path, words[1:])]
    return folders, [*flags, *(word for word in words if word not in folders)]


def _is_path(word: str) -> bool:
    return os.sep in word or Path(word).is_dir()


def _text_by_several(runs: dict[str, FinishedRun], given: argparse.Namespace) -> int:
    """A line a run: its label, a tab, its answer."""
    from tunebook.predicting.outputs import one_cell

    rows = rows_by_run(runs, given.text, _by_field(given))
    answers = MixedPredictor.open(runs, _say, **_loading(given)).answer_each(
        list(rows.values()), list(rows)
    )
    wrong = [Problem(label, one.error) for label, one in zip(rows, answers, strict=True)
             if one.error]  # fmt: skip
    if len(wrong) == len(rows):
        raise RequestError(wrong)
    for label, prediction in zip(rows, answers, strict=True):
        terminal.answer(f"{label}	{one_cell(prediction)}")
        _say_what_happened(label, prediction)
    return DONE


def _lines_by_several(runs: dict[str, FinishedRun], given: argparse.Namespace) -> int:
    """A line of standard input is an example; a line of output its answers, a column a run."""
    from tunebook.predicting.outputs import one_cell

    rows_of_line(runs, "")
    lines = _stdin_lines([run.task for run in runs.values()])
    predictor, number = MixedPredictor.open(runs, _say, **_loading(given)), 0
    size = min(member.decoding.batch_size for member in predictor.members.values())
    terminal.answer("	".join(runs))
    while chunk := list(itertools.islice(lines, size)):
        asked = [item for line in chunk for item in rows_of_line(runs, line).items()]
        found = predictor.answer_each([row for _, row in asked], [label for label, _ in asked])
        answers = iter(found)
        for _ in chunk:
            number += 1
            by_run = {label: next(answers) for label in runs}
            terminal.answer("	".join(map(one_cell, by_run.values())))
            for label, prediction in by_run.items():
                _say_what_happened(f"line {number}, {label}", prediction)
    return DONE


def _say_what_happened(where: str, prediction: Any) -> None:
    if prediction.error:
        _say(f"{where}: {prediction.error}")
    elif prediction.cut:
        _say(f"{where}: was cut to fit")


def _answer_text(run: FinishedRun, given: argparse.Namespace) -> int:
    row = row_from(run.task, given.text, _by_field(given))
    (prediction,) = Predictor.open(run, _say, **_loading(given)).answer([row])
    if prediction.error:
        raise RequestError(Problem("the text", prediction.error, "Shorten it."))
    if prediction.cut:
        _say(f"the {run.task.long_field} was cut to fit")
    terminal.answer(prediction.text or "")
    return DONE


def _answer_lines(run: FinishedRun, given: argparse.Namespace) -> int:
    """A line of standard input is an example, a line of standard output its prediction."""
    from tunebook.predicting.outputs import one_line

    row_of_line(run.task, "")
    lines = _stdin_lines([run.task])
    predictor, number = Predictor.open(run, _say, **_loading(given)), 0
    while chunk := list(itertools.islice(lines, predictor.decoding.batch_size)):
        rows = [row_of_line(run.task, line) for line in chunk]
        for prediction in predictor.answer(rows):
            number += 1
            terminal.answer(one_line(prediction))
            if prediction.error:
                _say(f"line {number}: {prediction.error}")
    return DONE


def _stdin_lines(for_tasks: Sequence[tasks.Task]) -> Iterator[str]:
    """Raises RequestError where there is none, before a model is loaded."""
    first = b"" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.buffer.readline()
    if not first:
        remedy = f"{_usage(for_tasks)}, or --input FILE."
        raise RequestError(Problem("", "there is no text", remedy))
    return map(_line, itertools.count(1), itertools.chain([first], sys.stdin.buffer))


def _line(number: int, raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        where = f"standard input, line {number}"
        raise RequestError(Problem(where, "is not UTF-8", "Convert it first.")) from None


def _loading(given: argparse.Namespace) -> dict[str, Any]:
    return {"model": given.model, "device": given.device, "batch_size": given.batch_size}


def _parser(run: FinishedRun | None = None) -> Parser:
    """Takes the fields of every task; for one `run`, its help shows the fields of its own."""
    parser = Parser(
        prog="python -m recipes.predict", description=__doc__,
        usage="%(prog)s RUN [RUN ...] [FIELDS | - | --input FILE --output FILE] [options]",
    )  # fmt: skip
    parser.add_argument("words", nargs="*", metavar="RUN",
                        help="folder of a finished run; -: a line of standard input an example"
                        )  # fmt: skip
    _add_fields(parser.add_argument_group("text", reads(run.task) if run else None), run)
    _add_files(parser.add_argument_group("files"))
    _add_options(parser.add_argument_group("options"))
    return parser


def _add_fields(group: Any, run: FinishedRun | None) -> None:
    fields = _fields_of(run.task) if run else _fields_of_all_tasks()
    if run is None or len(run.task.inputs) == 1:
        only = flag(run.task.inputs[0]) if run else "the field of a task that has one"
        group.add_argument("--text", metavar="TEXT", help=f"the same as {only}")
    for name, description in fields.items():
        group.add_argument(flag(name), dest=FIELD + name, action="append", metavar="TEXT",
                           help=description)  # fmt: skip


def _add_files(group: Any) -> None:
    add = group.add_argument
    add("--input", metavar="FILE", help="JSONL, JSON, CSV, TSV, Parquet, or TXT with a line a row")
    add("--output", metavar="FILE", help=".jsonl, .csv, .tsv or .txt; an interrupted one goes on")
    add("--field", metavar="FIELD=COLUMN", action="append", default=[],
        help="the column of --input that holds a field, where its name is another")  # fmt: skip
    add("--overwrite", action="store_true", help="replace an --output that is there")


def _add_options(group: Any) -> None:
    add = group.add_argument
    add("--batch-size", type=_at_least_one, metavar="N", help="rows at once; never changes answers")
    add("--model", metavar="FOLDER", help="the run's base model, where it has moved")
    add("--device", choices=("cuda", "mps", "cpu"), help="where to compute")
    add("-h", "--help", action="store_true", help="behind RUN: with the fields of its task")


def _at_least_one(text: str) -> int:
    if text.isdigit() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"expects a whole number of at least 1, got {text!r}")


def _fields_of(task: tasks.Task | type[tasks.Task]) -> dict[str, str]:
    many = "; repeat it for more, in order"
    return {
        name: task.fields[name].description + (many if task.fields[name].many else "")
        for name in task.inputs
    }


def _fields_of_all_tasks() -> dict[str, str]:
    found: dict[str, str] = {}
    for kind in tasks.kinds():
        for name, description in _fields_of(find(tasks.__name__, kind).TASK).items():
            found[name] = f"{found[name]}; " if name in found else ""
            found[name] += f"{kind}: {description}"
    return found


def _help(folders: list[str]) -> str:
    runs = [FinishedRun.read(folder) for folder in folders]
    return _parser(runs[0] if len(runs) == 1 else None).format_help()


def _by_field(given: argparse.Namespace) -> dict[str, list[str]]:
    """The texts behind each field's flag."""
    found = {k.removeprefix(FIELD): v for k, v in vars(given).items() if k.startswith(FIELD)}
    return {name: texts for name, texts in found.items() if texts is not None}


def _mapping(words: list[str]) -> dict[str, str]:
    wrong = [word for word in words if not all(word.partition("="))]
    if wrong:
        remedy = "Write --field FIELD=COLUMN, such as --field document=article."
        raise RequestError([Problem(f"--field {word}", "is no mapping", remedy) for word in wrong])
    return {name: column for name, _, column in (word.partition("=") for word in words)}


def _check(given: argparse.Namespace, unknown: list[str], for_tasks: Sequence[tasks.Task]) -> None:
    problems = [_not_understood(word, for_tasks) for word in unknown]
    if given.input and (given.text is not None or given.dash or _by_field(given)):
        problems.append(Problem("--input", "excludes text of its own", "Give one or the other."))
    if given.input and not given.output:
        problems.append(Problem("--output", "is missing", "Give --input FILE --output FILE."))
    of_files = [name for name in ("output", "overwrite", "field") if getattr(given, name)]
    if of_files and not given.input:
        problems += [Problem(f"--{name}", "belongs to --input FILE") for name in of_files]
    if problems:
        raise RequestError(problems)


def _not_understood(word: str, for_tasks: Sequence[tasks.Task]) -> Problem:
    if not word.startswith("-"):
        return Problem(repr(word), "is not understood", 'Put text in quotes: --text "She sings."')
    name = word.partition("=")[0]
    inputs = {name for task in for_tasks for name in task.inputs}
    flags = [*map(flag, sorted(inputs)), "--text", "--input", "--output", "--field",
             "--overwrite", "--batch-size", "--model", "--device"]  # fmt: skip
    guess = did_you_mean(name, flags)
    near = f"{guess} " if guess.startswith("Did you mean") else ""
    return Problem(name, "no such flag", f"{near}{_usage(for_tasks)}.")


def _usage(for_tasks: Sequence[tasks.Task]) -> str:
    return "; ".join(dict.fromkeys(map(usage, for_tasks)))


def _say(text: str) -> None:
    """Standard output is for predictions."""
    terminal.note(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
