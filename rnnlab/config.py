"""The configuration of a run: validated, immutable, and convertible to and from JSON, shell options and URLs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from rnnlab.cells import CELLS
from rnnlab.errors import ConfigError
from rnnlab.nesting import MAX_DEPTH, too_deep
from rnnlab.setting import Allowed, Section, Setting, Widget, as_text

Implementation = Literal["scratch", "library"]
Activation = Literal["tanh", "relu"]
Initialization = Literal["normal", "uniform", "xavier", "orthogonal"]
Sampling = Literal["random", "consecutive"]
Offset = Literal["zero", "random"]
Optimizer = Literal["sgd", "adam"]
Schedule = Literal["constant", "step", "cosine"]
Objective = Literal["next", "cloze"]
Decoding = Literal["greedy", "temperature", "top_k"]
Preprocessing = Literal["first_edition", "second_edition"]
Device = Literal["cpu", "cuda", "mps", "auto"]
Precision = Literal["float32", "float64", "fast"]
Computation = Literal["fast", "as_written"]

MAX_PREFIX = 1_000
MOST_IN_COLUMNS = 2**23
"""Number of weights up to which a network of the library stores its matrices by columns, see `rnnlab.engine.model`.

Minibatches of small networks are then faster, by the time of copies. A checkpoint holds the weights by rows, so that it
takes copies, which larger networks shall not need.
"""
"""Longest prefix, in characters."""


class TrainConfig(BaseModel):
    """The settings of a run; the same configuration on the same machine gives the same curve, bit for bit.

    Each field has a `Setting` with the metadata for the form, the summaries, the shell and the estimates.

    Raises:
        ConfigError: from `make`, `change` and `from_json`; it names the field and the allowed values.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    # the network
    cell: Annotated[
        str,
        Setting(
            "network",
            place=1,
            widget="buttons",
            costs=True,
            book=tuple(cell.section for cell in CELLS.values()),
            formulas=(r"\mathbf{H}_t = f(\mathbf{X}_t, \mathbf{H}_{t-1})",),
        ),
    ] = "rnn"
    implementation: Annotated[Implementation, Setting("network", place=1, costs=True, book=("6.4", "6.5"))] = "scratch"
    num_layers: Annotated[
        int,
        Setting(
            "network",
            place=1,
            widget="slider",
            costs=True,
            book=("6.9",),
            formulas=(
                r"\mathbf{H}_t^{(0)} = \mathbf{X}_t",
                r"\mathbf{H}_t^{(l)} = f(\mathbf{H}_t^{(l-1)}, \mathbf{H}_{t-1}^{(l)})",
            ),
        ),
    ] = Field(1, ge=1, le=8)
    bidirectional: Annotated[
        bool,
        Setting(
            "network",
            place=1,
            costs=True,
            book=("6.10",),
            formulas=(r"\mathbf{H}_t = [\overrightarrow{\mathbf{H}}_t,\, \overleftarrow{\mathbf{H}}_t]",),
        ),
    ] = False
    num_hiddens: Annotated[
        int,
        Setting(
            "network",
            place=3,
            step=32,
            costs=True,
            book=("6.2",),
            formulas=(r"\mathbf{H}_t \in \mathbb{R}^{B \times h}",),
        ),
    ] = Field(256, ge=1, le=1024, description="hidden units per direction")
    activation: Annotated[
        Activation,
        Setting(
            "optimizer",
            place=6,
            needs={"cell": tuple(name for name, cell in CELLS.items() if cell.chooses_activation)},
            costs=True,
            book=("3.8",),
            formulas=(r"\tanh(x) = \frac{1 - e^{-2x}}{1 + e^{-2x}}", r"\mathrm{ReLU}(x) = \max(x, 0)"),
        ),
    ] = Field("tanh", description="of the RNN cell; GRU and LSTM always use tanh")
    initialization: Annotated[
        Initialization,
        Setting(
            "optimizer",
            place=5,
            widget="menu",
            book=("3.15",),
            formulas=(
                r"\mathcal{N}(0,\, 0.01^2)",
                r"U\left(-\tfrac{1}{\sqrt{h}},\, \tfrac{1}{\sqrt{h}}\right)",
                r"U\left(-\sqrt{\tfrac{6}{a+b}},\, \sqrt{\tfrac{6}{a+b}}\right)",
            ),
        ),
    ] = Field("normal", description="normal: N(0, 0.01²), biases 0; uniform: U(±1/√num_hiddens), the library's default")
    residual: Annotated[
        bool,
        Setting(
            "optimizer",
            needs={"num_layers": range(2, 9)},
            costs=True,
            book=("5.11",),
            formulas=(r"\mathbf{y} = \mathbf{x} + f(\mathbf{x})",),
        ),
    ] = Field(False, description="each recurrent layer from the second on adds its input to its output")
    layer_norm: Annotated[
        bool,
        Setting(
            "optimizer",
            costs=True,
            # the first edition has no layer normalisation
            formulas=(r"\boldsymbol{\gamma} \odot \frac{\mathbf{h} - \mu}{\sigma} + \boldsymbol{\beta}",),
            second=(("10.7", "11.7"),),
        ),
    ] = Field(False, description="each recurrent layer's output is normalised, with scale and shift")
    forget_bias: Annotated[
        float,
        Setting(
            "optimizer",
            needs={"cell": tuple(name for name, cell in CELLS.items() if cell.forget)},
            hidden=True,
            book=("6.8",),
            formulas=(
                r"\mathbf{F}_t = \sigma(\mathbf{X}_t \mathbf{W}_{xf} + \mathbf{H}_{t-1} \mathbf{W}_{hf} "
                r"+ \mathbf{b}_f)",
            ),
        ),
    ] = Field(0.0, ge=0, le=10, allow_inf_nan=False, description="added to the LSTM's forget gate at initialisation")
    # the minibatches
    sampling: Annotated[
        Sampling,
        Setting(
            "network",
            place=3,
            costs=True,
            book=("6.3",),
            formulas=(r"\mathbf{H}_0 = \mathbf{0}", r"\mathbf{H}_0 \leftarrow \mathbf{H}_T"),
        ),
    ] = "consecutive"
    offset: Annotated[
        Offset,
        # the first edition always begins at the start of the text
        Setting("optimizer", formulas=(r"s \in \{0, 1, \ldots, T - 1\}",), second=(("8.3", "9.3"),)),
    ] = Field("zero", description="where an epoch starts in the text: at 0, or anew each epoch in [0, num_steps)")
    num_steps: Annotated[
        int,
        Setting(
            "optimizer",
            place=4,
            step=5,
            costs=True,
            book=("6.6",),
            formulas=(r"\prod_{j=i+1}^{t} \frac{\partial \mathbf{h}_j}{\partial \mathbf{h}_{j-1}}", r"t - i < T"),
        ),
    ] = Field(35, ge=1, le=512, description="time steps, the length of truncated backpropagation")
    batch_size: Annotated[
        int,
        Setting(
            "optimizer",
            place=3,
            step=8,
            costs=True,
            book=("6.3",),
            formulas=(r"\mathbf{g} = \frac{1}{BT} \sum_{i=1}^{B} \sum_{t=1}^{T} \nabla \ell_{i,t}",),
        ),
    ] = Field(32, ge=1, le=1024)
    # the training
    optimizer: Annotated[
        Optimizer,
        Setting(
            "optimizer",
            place=1,
            costs=True,
            book=("7.3", "7.8"),
            formulas=(
                r"\mathbf{w} \leftarrow \mathbf{w} - \eta\, \mathbf{g}",
                r"\mathbf{w} \leftarrow \mathbf{w} - \eta\, \hat{\mathbf{v}} / (\sqrt{\hat{\mathbf{s}}} + \epsilon)",
            ),
        ),
    ] = "sgd"
    learning_rate: Annotated[
        float,
        Setting(
            "optimizer",
            place=1,
            book=("7.2",),
            formulas=(r"\mathbf{w} \leftarrow \mathbf{w} - \eta\, \mathbf{g}",),
        ),
    ] = Field(100.0, gt=0, le=1e4, allow_inf_nan=False)
    schedule: Annotated[
        Schedule,
        Setting(
            "optimizer",
            place=7,
            widget="menu",
            # an extra chapter of the first edition has it; its printed text does not
            formulas=(r"\eta_t = \tfrac{\eta}{2} \left(1 + \cos \pi p\right)", r"p = t / t_{\max}"),
            second=(("11.11", "12.11"),),
        ),
    ] = Field("constant", description="of the learning rate: step: 1/10 from half of the epochs on, 1/100 from 3/4 on")
    warmup_epochs: Annotated[
        int,
        Setting(
            "optimizer",
            place=7,
            formulas=(r"\eta_t = \eta\, t / t_{\mathrm{warm}}",),
            second=(("11.11", "12.11"),),
        ),
    ] = Field(0, ge=0, le=10_000, description="first epochs, in which the learning rate grows from 0")
    weight_decay: Annotated[
        float,
        Setting(
            "optimizer",
            place=8,
            step=1e-4,
            book=("3.12",),
            formulas=(r"\mathbf{W} \leftarrow (1 - \eta \lambda) \mathbf{W} - \eta\, \mathbf{g}",),
        ),
    ] = Field(0.0, ge=0, le=10, allow_inf_nan=False, description="λ; of the weights, not of the biases")
    dropout: Annotated[
        float,
        Setting(
            "optimizer",
            place=8,
            step=0.1,
            costs=True,
            book=("3.13",),
            formulas=(r"h' = \frac{\xi}{1 - p}\, h", r"P(\xi = 0) = p"),
        ),
    ] = Field(0.0, ge=0, le=0.95, allow_inf_nan=False, description="p; on the output of each recurrent layer")
    clip_norm: Annotated[
        float | None,
        Setting(
            "optimizer",
            place=1,
            switch="clipping",
            book=("6.4",),
            formulas=(r"\mathbf{g} \leftarrow \min\left(\frac{\theta}{\|\mathbf{g}\|}, 1\right) \mathbf{g}",),
        ),
    ] = Field(0.01, gt=0, le=1e6, allow_inf_nan=False, description="θ; None: off")
    detach: Annotated[
        bool,
        Setting(
            "optimizer",
            needs={"sampling": ("consecutive",)},
            costs=True,
            book=("6.4", "6.6"),
            formulas=(r"\frac{\partial \mathbf{H}_0}{\partial \mathbf{w}} = 0",),
        ),
    ] = Field(True, description="cut the graph between consecutive minibatches")
    carry_state: Annotated[
        bool,
        Setting(
            "optimizer",
            needs={"sampling": ("consecutive",)},
            # the second edition begins every epoch with the zero state
            book=("6.5",),
            formulas=(r"\mathbf{H}_0^{(e+1)} \leftarrow \mathbf{H}_T^{(e)}",),
            second=(),
        ),
    ] = Field(False, description="carry the state across epochs too (consecutive sampling)")
    objective: Annotated[
        Objective,
        Setting(
            "network",
            place=2,
            needs={"bidirectional": (True,)},
            hidden=True,
            costs=True,
            book=("6.10",),
            formulas=(r"P(x_t \mid x_{<t})", r"P(x_t \mid x_{<t},\, x_{>t})"),
        ),
    ] = Field("next", description="cloze: each character from the forward state before and the backward state after it")
    num_epochs: Annotated[
        int,
        Setting(
            "optimizer",
            place=2,
            step=10,
            book=("6.3",),
            formulas=(r"\left\lfloor \left(\left\lfloor \tfrac{N}{B} \right\rfloor - 1\right) / \, T \right\rfloor",),
        ),
    ] = Field(250, ge=0, le=10_000)
    pred_period: Annotated[int, Setting("generation", place=3, step=10, book=("6.4",))] = Field(
        50, ge=1, le=10_000, description="epochs between two generations"
    )
    held_out_period: Annotated[
        int,
        Setting(
            "optimizer",
            place=8,
            book=("3.11",),
            formulas=(r"\exp\left(-\tfrac{1}{n} \sum_{i=1}^{n} \ln P(x_i \mid x_{<i})\right)",),
        ),
    ] = Field(
        10, ge=0, le=10_000, description="epochs between two measurements on a sample of the held-out text; 0: off"
    )
    early_stopping: Annotated[
        int,
        Setting(
            "optimizer",
            place=8,
            needs={"held_out_period": range(1, 10_001)},
            # only the English second edition has it; the Chinese ones choose a model by its error on other text
            formulas=(r"e - \arg\min_{e' \leq e} \mathrm{PPL}(e') \geq p\, \Delta e",),
            second=(("4.4", "5.5"),),
        ),
    ] = Field(0, ge=0, le=1000, description="measurements without a lower held-out perplexity that end the run; 0: off")
    start_from: Annotated[
        str,
        Setting(
            "optimizer",
            place=0,
            widget="origin",
            accepts="RUN@EPOCH or RECIPE@EPOCH, e.g. A6@160; empty: random weights",
            book=("9.2",),
        ),
    ] = Field("", max_length=60, pattern=r"^([A-Za-z0-9.-]+@[0-9]{1,5})?$", description="trained weights to start from")
    # text generation
    num_preds: Annotated[int, Setting("generation", place=2, step=10, book=("6.4",))] = Field(
        50, ge=0, le=2_000, description="characters generated after the prefix"
    )
    prefixes: Annotated[
        tuple[str, ...],
        Setting(
            "generation",
            place=1,
            accepts=f"1 to 4 texts of 1 to {MAX_PREFIX:,} characters, separated by |",
            book=("6.4",),
        ),
    ] = Field(("分开", "不分开"), min_length=1, max_length=4)
    decoding: Annotated[
        Decoding,
        Setting(
            "generation",
            widget="menu",
            book=("6.4",),
            formulas=(r"\hat{x}_{t+1} = \arg\max_x P(x \mid x_{\leq t})",),
        ),
    ] = "greedy"
    temperature: Annotated[
        float,
        Setting(
            "generation",
            needs={"decoding": ("temperature", "top_k")},
            hidden=True,
            # an exercise in the section on the network from scratch, as a power of the probabilities
            formulas=(r"P_\tau(x) \propto P(x)^{1/\tau}",),
            second=(("8.5", "9.5"),),
        ),
    ] = Field(1.0, gt=0, le=10, allow_inf_nan=False)
    top_k: Annotated[
        int,
        Setting(
            "generation",
            needs={"decoding": ("top_k",)},
            hidden=True,
            # not in the book
            formulas=(r"P_k(x) \propto P(x)", r"x \in K", r"|K| = k"),
        ),
    ] = Field(5, ge=1, le=1000)
    # the text
    corpus: Annotated[
        str,
        Setting(
            "network",
            widget="corpus",
            costs=True,
            free=True,
            accepts="the name of a corpus: lower-case letters, digits and hyphens",
            book=("6.3",),
        ),
    ] = Field("lyrics-zh", min_length=1, max_length=80, pattern=r"^[a-z0-9][a-z0-9-]*$")
    preprocessing: Annotated[
        Preprocessing,
        Setting("preprocessing", widget="menu", costs=True, book=("6.3",), second=(("8.2", "9.2"),)),
    ] = "first_edition"
    num_chars: Annotated[int, Setting("preprocessing", step=1000, costs=True, book=("6.3",))] = Field(
        10_000, ge=2, le=2_000_000, description="trained on; the rest of the text is held out"
    )
    # the machine
    random_seed: Annotated[int, Setting("machine", place=1, free=True)] = Field(0, ge=0, le=2**31 - 1)
    computation: Annotated[Computation, Setting("machine", place=1, costs=True, free=True)] = Field(
        "fast", description="as_written: the step of the cell line by line, or torch.nn's layer; the same curve, slower"
    )
    device: Annotated[Device, Setting("machine", place=4, widget="menu", costs=True, free=True)] = "cpu"
    precision: Annotated[Precision, Setting("machine", place=3, widget="menu", costs=True)] = "float32"
    flush_denormal: Annotated[bool, Setting("machine", place=2, needs={"device": ("cpu", "auto")}, costs=True)] = Field(
        True, description="off to see how slow vanishing gradients are"
    )

    @field_validator("cell")
    @classmethod
    def _cell_exists(cls, value: str) -> str:
        if value not in CELLS:
            raise ValueError("there is no such cell")
        return value

    @field_validator("prefixes", mode="before")
    @classmethod
    def _prefixes_from_text(cls, value: object) -> object:
        # the shell and the URL join several prefixes with "|", which a Chinese keyboard writes in full width; after a
        # single prefix it keeps the commas in it from separating
        return tuple(filter(None, value.replace("｜", "|").split("|"))) if isinstance(value, str) else value

    @field_validator("prefixes")
    @classmethod
    def _prefixes_not_empty(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not 1 <= len(prefix) <= MAX_PREFIX for prefix in value):
            raise ValueError(f"every prefix has 1 to {MAX_PREFIX:,} characters")
        return value

    @model_validator(mode="after")
    def _library_has_the_cell(self) -> TrainConfig:
        if self.implementation == "library" and CELLS[self.cell].library is None:
            raise PydanticCustomError(
                "config_conflict_library", "the library has no layer for this cell (implementation=scratch)"
            )
        return self

    @model_validator(mode="after")
    def _graph_stays_small(self) -> TrainConfig:
        # without detaching, the graph reaches back to the start of the epoch
        if not self.detach and self.sampling != "consecutive":
            raise PydanticCustomError("config_conflict_detach", "detach can be off only with consecutive sampling")
        return self

    @model_validator(mode="after")
    def _decay_shrinks_the_weights(self) -> TrainConfig:
        # each step multiplies the weights by 1 - ηλ, which must stay positive
        if self.learning_rate * self.weight_decay >= 1:
            raise PydanticCustomError(
                "config_conflict_decay",
                "learning_rate times weight_decay must be less than 1, as each step multiplies the weights by the rest",
            )
        return self

    @model_validator(mode="after")
    def _stopping_early_has_a_measure(self) -> TrainConfig:
        if self.early_stopping and (self.sees_the_answer or not self.held_out_period):
            raise PydanticCustomError(
                "config_conflict_early_stopping",
                "early_stopping needs the held-out perplexity: held_out_period above 0, and a network that does not "
                "read the characters that it predicts (bidirectional=false, or objective=cloze)",
            )
        return self

    @model_validator(mode="after")
    def _cloze_has_two_sides(self) -> TrainConfig:
        if self.objective == "cloze" and not self.bidirectional:
            raise PydanticCustomError(
                "config_conflict_cloze", "the objective cloze needs a bidirectional network (bidirectional=true)"
            )
        return self

    @classmethod
    def make(cls, **settings: Any) -> TrainConfig:
        """Build a configuration from keyword arguments.

        Raises:
            ConfigError: an unknown field or a value that is not allowed.
        """
        return cls().change(**settings) if settings else cls()

    def change(self, **settings: Any) -> TrainConfig:
        """Return a copy with `settings` replaced, validated as a whole.

        Raises:
            ConfigError: an unknown field or a value that is not allowed.
        """
        for name in settings:
            if name not in TrainConfig.model_fields:
                raise ConfigError(
                    "config_unknown_field",
                    f"There is no setting named {name!r}; the settings are: {', '.join(TrainConfig.model_fields)}.",
                    field=name,
                    value="",
                    allowed=", ".join(TrainConfig.model_fields),
                )
        try:
            return TrainConfig.model_validate({**self.model_dump(), **settings})
        except ValidationError as error:
            raise _config_error(error) from error

    def change_from_text(self, settings: Mapping[str, str]) -> TrainConfig:
        """Return a copy with settings given as text (``--set key=value``, a URL), e.g. ``{"clip_norm": "none"}``.

        Raises:
            ConfigError: an unknown field or a value that is not allowed.
        """
        return self.change(**{name: _from_text(name, text) for name, text in settings.items()})

    def changes_from(self, base: TrainConfig) -> dict[str, str]:
        """Return the settings that differ from `base`, as text for `change_from_text`."""
        values, base_values = self.model_dump(), base.model_dump()
        return {name: as_text(value) for name, value in values.items() if value != base_values[name]}

    @property
    def sees_the_answer(self) -> bool:
        """Return whether the input of the network contains its targets: it reads both ways, and does not fill gaps."""
        return self.bidirectional and self.objective == "next"

    def acts(self, name: str) -> bool:
        """Return whether the setting `name` has an effect with the other settings."""
        return SETTINGS[name].acts(lambda other: getattr(self, other))

    def to_json(self) -> str:
        """Return the configuration as one line of JSON."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str) -> TrainConfig:
        """Build a configuration from the text of `to_json`; missing settings take their defaults.

        Raises:
            ConfigError: the text is not a JSON object, or has an unknown field or a value that is not allowed.
        """
        if too_deep(text):
            raise ConfigError(
                "json_too_deep",
                f"JSON is read up to {MAX_DEPTH} levels deep.",
                field="",
                value="",
                allowed=MAX_DEPTH,
            )
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):  # nested too deeply
            data = None
        if not isinstance(data, dict):
            raise ConfigError(
                "config_not_json", "A configuration is one JSON object.", field="", value="", allowed="{...}"
            )
        return cls().change(**data)


def in_section(section: Section) -> list[str]:
    """Return the names of the settings in a section of the form, in display order."""
    names = [name for name, setting in SETTINGS.items() if setting.section == section]
    return sorted(names, key=lambda name: SETTINGS[name].place)


def allowed_values(name: str) -> Allowed:
    """Return the allowed values of the setting `name`; as text, e.g. ``"rnn, gru, lstm"`` or ``"1 to 8"``."""
    field = TrainConfig.model_fields[name]
    if SETTINGS[name].accepts:
        return Allowed(sentence=SETTINGS[name].accepts)
    if field.annotation is bool:
        return Allowed(choices=("true", "false"))
    if name == "cell":
        return Allowed(choices=tuple(CELLS))
    if get_origin(field.annotation) is Literal:
        return Allowed(choices=get_args(field.annotation))
    bounds = {key: getattr(meta, key) for meta in field.metadata for key in _BOUNDS if hasattr(meta, key)}
    return Allowed(
        low=bounds["ge"] if "ge" in bounds else bounds["gt"],
        high=bounds["le"] if "le" in bounds else bounds["lt"],
        above_low="gt" in bounds,
        below_high="lt" in bounds,
        or_none=type(None) in get_args(field.annotation),
    )


_BOUNDS = ("ge", "gt", "le", "lt")
MAX_SHOWN = 100
"""Longest beginning of a refused value in a message, in characters."""


def _setting(name: str, field: FieldInfo) -> Setting:
    setting = next((meta for meta in field.metadata if isinstance(meta, Setting)), None)
    if setting is None:
        raise TypeError(f"the field {name} of TrainConfig needs a Setting with its position in the form")
    return setting if setting.widget else replace(setting, widget=_widget(field.annotation))


def _widget(kind: Any) -> Widget:
    if kind is bool:
        return "switch"
    if get_origin(kind) is Literal:
        return "buttons"
    if kind is int:
        return "number"
    return "decimal" if kind is float or float in get_args(kind) else "text"


SETTINGS: Mapping[str, Setting] = {name: _setting(name, field) for name, field in TrainConfig.model_fields.items()}
"""The metadata of each field, in the order of declaration."""
COSTS = frozenset(name for name, setting in SETTINGS.items() if setting.costs)
"""The settings that can change the time of an epoch."""
FREE = frozenset(name for name, setting in SETTINGS.items() if setting.free)
"""The settings that leave an experiment the same when they change."""


def _from_text(name: str, text: str) -> Any:
    field = TrainConfig.model_fields.get(name)
    if field is None or field.annotation in (str, tuple[str, ...]):
        return text
    lowered = text.strip().lower()
    if lowered in ("none", "off", "null") and type(None) in get_args(field.annotation):
        return None
    if field.annotation is bool and lowered in ("on", "yes"):
        return True
    if field.annotation is bool and lowered in ("off", "no"):
        return False
    return text.strip()


def _config_error(error: ValidationError) -> ConfigError:
    first = error.errors(include_url=False, include_context=False)[0]
    if not first["loc"]:  # conflicting settings
        reason = first["msg"]
        message = f"These settings conflict: {reason}."
        return ConfigError(first["type"], message, field="", value="", allowed=reason)
    name, value = str(first["loc"][0]), first.get("input")
    allowed = str(allowed_values(name))
    shown = _as_written(value)
    quoted = shown if isinstance(value, (int, float)) else f"'{shown}'"
    return ConfigError(
        "config_value", f"{name} cannot be {quoted}; allowed: {allowed}.", field=name, value=shown, allowed=allowed
    )


def _as_written(value: object) -> str:
    """Return a refused value as a person would write it, and not as Python does, cut to `MAX_SHOWN` characters."""
    if isinstance(value, (tuple, list)):
        text = "|".join(str(part) for part in value)
    elif isinstance(value, dict):
        text = json.dumps(value, ensure_ascii=False, default=str)
    else:
        text = as_text(value)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"
