"""Every setting of a run: its type, what it allows, and one line on what it does.

A `null` in the configuration means "decided from the method, the model's family or the machine";
`tunebook.settings.resolve` fills it in and remembers why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from tunebook.errors import Problem
from tunebook.typed import aside, required, setting

SCHEMA = 1
LARGEST_SEED = 2**32 - 1  # numpy takes no larger one
FAMILIES = ("encoder-decoder", "decoder-only")


@dataclass
class TaskSettings:
    """What the model is asked to do. A task's own options are in its module in tunebook.tasks."""

    name: str = required("the task's name")
    kind: str = required("the module of tunebook.tasks that reads and scores it")
    instruction: str | None = setting(
        None, "for template=instruction and for the start of prompts; null: the data set's own"
    )
    usual_instruction: str = aside(
        "", "the instruction where the data set has none; {language} is filled in by name"
    )
    language: str = setting("en", "language of the target text: decides how scores split words")
    headline: str = required("the one metric that ranks this task")


@dataclass
class LimitSettings:
    """How many examples of each split to use; a seeded sample."""

    train: int | None = setting(None, "use this many training examples", at_least=1)
    validation: int | None = setting(None, "use this many validation examples", at_least=1)
    test: int | None = setting(None, "use this many test examples", at_least=1)


@dataclass
class DataSettings:
    """Where examples come from."""

    name: str = required("the data set's name")
    source: str = required("where rows come from", choices=("village", "rows", "files", "hub"))
    path: str | None = setting(None, "hub id, or a local folder with the same files", is_path=True)
    subset: str | None = setting(None, "configuration of the hub data set")
    revision: str | None = setting(None, "commit, tag or branch of the hub data set")
    splits: dict[str, str] = setting(
        {"train": "train", "validation": "validation", "test": "test"},
        "the hub data set's own names of our splits",
    )
    train: str | None = setting(None, "file or folder of training rows", is_path=True)
    validation: str | None = setting(None, "file or folder of validation rows", is_path=True)
    test: str | None = setting(None, "file or folder of test rows", is_path=True)
    rows: dict[str, Any] = aside({}, "rows written here, a list a split, for data.source=rows")
    fields: dict[str, str | list[str]] = setting(
        {}, "which column holds a field: data.fields.document=article"
    )
    separator: str | None = aside(
        None, "between cells of CSV and TSV: a character, comma, semicolon or tab; null: as shown"
    )
    quoted: bool | None = aside(
        None, "whether marks around cells are no part of them; null: told by the file's cells"
    )
    group: bool = aside(
        False, "join validation and test rows of one source: their answers are its references"
    )
    tasks: list[str] = setting([], "tasks that this data set serves; empty for any")
    instructions: dict[str, str] = aside({}, "a good instruction for each task on this data")
    limit: LimitSettings = setting(LimitSettings, "how many examples of each split to use")
    seed: int = setting(
        0,
        "draws the sample and the held-out splits; keep it to compare runs",
        at_least=0,
        at_most=LARGEST_SEED,
    )
    max_skipped_share: float = setting(
        0.05, "stop when more than this share of rows is empty or unusable", at_least=0, at_most=1
    )
    license: str = aside("", "licence of the data")
    note: str = aside("", "what to know about this data")


@dataclass
class ModelSettings:
    """The frozen base model."""

    name: str = required("the model's name in folders and tables")
    path: str | None = setting(
        None, "local folder, hub name, or tunebook:NAME for an embedded one", is_path=True
    )
    revision: str | None = setting(None, "commit, tag or branch on the hub")
    family: str | None = setting(None, "read from the model's config.json", choices=FAMILIES)
    usual_family: str | None = aside(
        None, "what recipes.book shows for a hub model that is not here yet", choices=FAMILIES
    )
    dtype: str | None = setting(
        None,
        "number format of the weights and arithmetic; null: bf16 where the card has it",
        choices=("float32", "bfloat16", "float16"),
    )
    device: str | None = setting(
        None, "where to compute; null: cuda, then mps, then cpu", choices=("cuda", "mps", "cpu")
    )
    quantization: str = setting(
        "none",
        "load the weights in fewer bits (CUDA, bitsandbytes)",
        choices=("none", "8bit", "4bit"),
    )
    gradient_checkpointing: bool = setting(False, "less memory, about a third more time a step")
    attention: str | None = setting(
        None,
        "attention implementation of transformers; null: the model's default",
        choices=("eager", "sdpa", "flash_attention_2", "flex_attention"),
    )
    matmul: str | None = setting(
        None,
        "what multiplies float32 matrices on a CPU; null: oneDNN where torch's own is slow",
        choices=("torch", "onednn"),
    )
    by_method: dict[str, dict[str, Any]] = aside(
        {}, "defaults for a method on this model, by method name"
    )
    license: str = aside("", "licence of the weights")
    note: str = aside("", "what to know about this model")


@dataclass
class MethodSettings:
    """What is trained, and all that others need to know of it.

    Each kind of method is a class in tunebook.methods: its own options are more fields, and what it
    does otherwise than PEFT's usual changes of layers are other answers.
    """

    name: str = required("the method's name in folders and tables")
    kind: str = required("the module of tunebook.methods that builds it")
    by_family: dict[str, dict[str, Any]] = aside({}, "defaults by family of model")
    usual_learning_rate: list[float] = aside([], "warn when the learning rate is outside these two")
    search: dict[str, dict[str, Any]] = aside(
        {}, "what tune=… tries, key by key; empty: the learning rate"
    )

    trains: ClassVar[bool] = True
    trains_base: ClassVar[bool] = False
    """Whether the weights of the base are trained themselves."""
    shares_base: ClassVar[bool] = False
    """Whether the base's own modules stay as they are, so that several runs can answer from it."""
    is_soft_prompt: ClassVar[bool] = False
    """Whether all that is learned are vectors in front of the input."""
    weights_folder: ClassVar[str | None] = "adapter"
    """The folder of a run that holds what was trained; None where nothing was."""
    place: ClassVar[str] = "the input"
    """What the virtual tokens stand in front of, in words."""
    grows_with: ClassVar[tuple[str, ...]] = ()
    """The options that memory grows with."""

    @property
    def virtual_tokens(self) -> int:
        """Positions that the method adds in front of each input."""
        return getattr(self, "num_virtual_tokens", 0)

    @property
    def decoder_tokens(self) -> int:
        """Those of them that stand in front of what an encoder-decoder model writes."""
        return 0

    def misfits(self, model: ModelSettings) -> list[Problem]:
        """What is wrong with the model's options for this method."""
        return []


@dataclass
class TemplateSettings:
    """The hard prompt: text around the fields of an example."""

    name: str = required("the template's name")
    text: str = required("Jinja2 text over the example's fields, `bare` and `instruction`")
    separator: str = setting("\n", "what a decoder-only model reads between source and target")
    max_source_tokens: int = setting(
        512, "longer sources are cut in the task's long field, never in the question", at_least=8
    )


@dataclass
class TrainingSettings:
    """How the method's parameters are trained."""

    name: str = aside("default", "the training options' name")
    learning_rate: float | None = setting(
        None, "null: the method's own default", above=0, at_most=100
    )
    optim: str | None = setting(None, "optimizer, a name that TrainingArguments.optim takes")
    lr_scheduler_type: str | None = setting(None, "a name that TrainingArguments takes")
    warmup_steps: int = setting(0, "steps over which the learning rate rises", at_least=0)
    weight_decay: float | None = setting(
        None, "null: the method's own default", at_least=0, at_most=10
    )
    label_smoothing_factor: float = setting(0.0, "label smoothing", at_least=0, below=1)
    max_grad_norm: float = setting(
        1.0, "gradients are scaled down to this norm; 0: never", at_least=0
    )
    batch_size: int | None = setting(None, "examples in one step on one device", at_least=1)
    gradient_accumulation_steps: int = setting(1, "batches in one update", at_least=1)
    max_steps: int | None = setting(None, "updates in all; wins over epochs", at_least=1)
    num_train_epochs: float | None = setting(
        None, "passes over the training data", above=0, at_most=100_000
    )
    eval_steps: int | None = setting(
        None, "validate every so many updates; null: ten times a run", at_least=1
    )
    logging_steps: int | None = setting(
        None, "log every so many updates; null: a hundred a run", at_least=1
    )
    keep_best: bool = setting(True, "end with the checkpoint of the lowest validation loss")
    early_stopping: int = setting(
        0, "stop after so many validations without gain; 0: never", at_least=0
    )
    report_to: list[str] = aside(
        [], "trackers that also get the logs", choices=("tensorboard", "mlflow", "wandb", "trackio")
    )
    arguments: dict[str, Any] = setting({}, "any other option of transformers.TrainingArguments")


@dataclass
class DecodingSettings:
    """How text is generated for scoring and prediction."""

    name: str = aside("greedy", "the decoding options' name")
    max_new_tokens: int = setting(64, "generate at most this many tokens", at_least=1)
    num_beams: int = setting(1, "1 is greedy search; more is beam search", at_least=1, at_most=1000)
    length_penalty: float = setting(1.0, "above 0 favours longer beams", at_least=-100, at_most=100)
    no_repeat_ngram_size: int = setting(0, "never repeat word groups of this length", at_least=0)
    batch_size: int = aside(
        32, "examples decoded at once; padding never changes an answer", at_least=1
    )


@dataclass
class TuneSettings:
    """A search for good settings on the validation split, in front of the run.

    A run is what it is trained with, however that was found: nothing here changes its result.
    """

    trials: int | None = aside(
        None,
        "try so many settings, then run the best; tune=8 is short for it",
        at_least=1,
        at_most=1000,
    )
    steps: int | None = aside(None, "updates of a trial; null: as many as the run has", at_least=1)
    seed: int = aside(
        1000, "draws the settings to try, and seeds every trial", at_least=0, at_most=LARGEST_SEED
    )
    fixed: list[str] = aside([], "keys that are not searched; what is typed is one of them")
    only: str | None = aside(
        None, "a trial's number: that trial alone; winner: the run alone, all trials being done"
    )
    report: str = aside("", "the search that chose the settings of this run")


@dataclass
class Settings:
    """One run, fully described."""

    task: TaskSettings = required("what the model is asked to do")
    data: DataSettings = required("where examples come from")
    model: ModelSettings = required("the frozen base model")
    method: MethodSettings = required("what is trained")
    template: TemplateSettings = required("the hard prompt")
    training: TrainingSettings = setting(TrainingSettings, "how it is trained")
    decoding: DecodingSettings = setting(DecodingSettings, "how text is generated")
    tune: TuneSettings = aside(TuneSettings, "the search in front of the run")
    recipe: str | None = aside(None, "the recipe these settings come from")
    parent: str = aside("", "the recipe or run that this one was copied from")
    expect: str = aside("", "the result to expect")
    seed: int = setting(
        0, "draws initial weights, order of examples and dropout", at_least=0, at_most=LARGEST_SEED
    )
    score_instruction: bool = aside(
        True, "score the untouched model with the task's instruction too; false saves its time"
    )
    again: bool = aside(False, "run again although a finished run is there")
    dry_run: bool = aside(False, "check everything, show one example, stop")
    debug: bool = setting(False, "a few examples and steps, to see that everything works")
    outputs: str = aside("outputs", "folder of the run folders", is_path=True)
    label: str = aside("", "what differs from the recipe, in the folder's name")
    schema: int = setting(SCHEMA, "version of these settings", choices=(SCHEMA,))


GROUPS = ("task", "data", "model", "method", "template", "training", "decoding")
"""The parts of Settings that are chosen as GROUP=NAME, in the order in which they are told."""
