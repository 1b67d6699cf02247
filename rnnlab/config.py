"""Every parameter of a run, validated, frozen, to and from JSON, the shell and a URL."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from rnnlab.cells import CELLS
from rnnlab.errors import ConfigError

Implementation = Literal["scratch", "library"]
Activation = Literal["tanh", "relu"]
Initialization = Literal["normal", "uniform", "xavier", "orthogonal"]
Sampling = Literal["random", "consecutive"]
Offset = Literal["zero", "random"]
Optimizer = Literal["sgd", "adam"]
Objective = Literal["next", "cloze"]
Decoding = Literal["greedy", "temperature", "top_k"]
Preprocessing = Literal["first_edition", "second_edition"]
Device = Literal["cpu", "cuda", "mps", "auto"]
Precision = Literal["float32", "float64", "fast"]
Computation = Literal["fast", "as_written"]


class TrainConfig(BaseModel):
    """All that determines a run: the same configuration on the same machine gives the same curve, bit for bit.

    Raises:
        ConfigError: from `make`, `change` and `from_json`, naming the field and what is allowed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    # the network
    cell: str = "rnn"
    implementation: Implementation = "scratch"
    num_layers: int = Field(1, ge=1, le=8)
    bidirectional: bool = False
    num_hiddens: int = Field(256, ge=1, le=1024, description="hidden units per direction")
    activation: Activation = Field("tanh", description="of the RNN cell; GRU and LSTM always use tanh")
    initialization: Initialization = Field(
        "normal",
        description="normal: N(0, 0.01²), biases 0; uniform: U(±1/√num_hiddens), the library's default",
    )
    residual: bool = Field(False, description="each recurrent layer from the second on adds its input to its output")
    layer_norm: bool = Field(False, description="each recurrent layer's output is normalised, with scale and shift")
    forget_bias: float = Field(
        0.0, ge=0, le=10, allow_inf_nan=False, description="added to the LSTM's forget gate at initialisation"
    )
    # the minibatches
    sampling: Sampling = "consecutive"
    offset: Offset = Field(
        "zero", description="where an epoch starts in the text: at 0, or anew each epoch in [0, num_steps)"
    )
    num_steps: int = Field(35, ge=1, le=512, description="time steps, the length of truncated backpropagation")
    batch_size: int = Field(32, ge=1, le=1024)
    # the training
    optimizer: Optimizer = "sgd"
    learning_rate: float = Field(100.0, gt=0, le=1e4, allow_inf_nan=False)
    clip_norm: float | None = Field(0.01, gt=0, le=1e6, allow_inf_nan=False, description="θ; None: off")
    detach: bool = Field(True, description="cut the graph between consecutive minibatches")
    carry_state: bool = Field(False, description="carry the state across epochs too (consecutive sampling)")
    objective: Objective = Field(
        "next", description="cloze: each character from the forward state before and the backward state after it"
    )
    num_epochs: int = Field(250, ge=0, le=10_000)
    pred_period: int = Field(50, ge=1, le=10_000, description="epochs between two generations")
    # what it writes
    num_preds: int = Field(50, ge=0, le=2_000, description="characters generated after the prefix")
    prefixes: tuple[str, ...] = Field(("分开", "不分开"), min_length=1, max_length=4)
    decoding: Decoding = "greedy"
    temperature: float = Field(1.0, gt=0, le=10, allow_inf_nan=False)
    top_k: int = Field(5, ge=1, le=1000)
    # the text
    corpus: str = Field("lyrics-zh", min_length=1, max_length=80, pattern=r"^[a-z0-9][a-z0-9-]*$")
    preprocessing: Preprocessing = "first_edition"
    num_chars: int = Field(10_000, ge=2, le=2_000_000, description="trained on; the rest of the text is held out")
    # the machine
    random_seed: int = Field(0, ge=0, le=2**31 - 1)
    computation: Computation = Field(
        "fast", description="as_written: the step of the cell line by line, or torch.nn's layer; the same curve, slower"
    )
    device: Device = "cpu"
    precision: Precision = "float32"
    flush_denormal: bool = Field(True, description="off to see how slow vanishing gradients are")

    @field_validator("cell")
    @classmethod
    def _cell_exists(cls, value: str) -> str:
        if value not in CELLS:
            raise ValueError("there is no such cell")
        return value

    @field_validator("prefixes", mode="before")
    @classmethod
    def _prefixes_from_text(cls, value: object) -> object:
        # the shell and the URL write several prefixes as one text
        return tuple(value.split("|")) if isinstance(value, str) else value

    @field_validator("prefixes")
    @classmethod
    def _prefixes_not_empty(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not 1 <= len(prefix) <= 100 for prefix in value):
            raise ValueError("every prefix has 1 to 100 characters")
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
            ConfigError: a field that does not exist or a value outside what is allowed.
        """
        return cls().change(**settings) if settings else cls()

    def change(self, **settings: Any) -> TrainConfig:
        """Return a copy with `settings` replaced, validated as a whole.

        Raises:
            ConfigError: a field that does not exist or a value outside what is allowed.
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
            ConfigError: a field that does not exist or a value outside what is allowed.
        """
        return self.change(**{name: _from_text(name, text) for name, text in settings.items()})

    def changes_from(self, base: TrainConfig) -> dict[str, str]:
        """Return the settings in which this differs from `base`, as text for `change_from_text`."""
        mine, theirs = self.model_dump(), base.model_dump()
        return {name: _to_text(value) for name, value in mine.items() if value != theirs[name]}

    def to_json(self) -> str:
        """Return the configuration as one line of JSON."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str) -> TrainConfig:
        """Read what `to_json` wrote; settings that are missing take their defaults.

        Raises:
            ConfigError: not a JSON object, a field that does not exist, or a value outside what is allowed.
        """
        try:
            data = json.loads(text)
        except ValueError:
            data = None
        if not isinstance(data, dict):
            raise ConfigError(
                "config_not_json", "A configuration is one JSON object.", field="", value="", allowed="{...}"
            )
        return cls().change(**data)


def choices(name: str) -> tuple[str, ...]:
    """Return the values from which the setting `name` is chosen; none where it is a number, a text or a switch."""
    if name == "cell":
        return tuple(CELLS)
    values = get_args(TrainConfig.model_fields[name].annotation)
    return values if all(isinstance(value, str) for value in values) else ()


def allowed_values(name: str) -> str:
    """Say in a few words what the setting `name` accepts, e.g. ``"rnn, gru, lstm"`` or ``"1 to 8"``."""
    field = TrainConfig.model_fields[name]
    if field.annotation is bool:
        return "true, false"
    if names := choices(name):
        return ", ".join(names)
    if name == "prefixes":
        return "1 to 4 texts of 1 to 100 characters, separated by |"
    if name == "corpus":
        return "the name of a corpus: lower-case letters, digits and hyphens"
    bounds = {key: getattr(meta, key) for meta in field.metadata for key in ("ge", "gt", "le") if hasattr(meta, key)}
    low = _to_text(bounds["ge"]) if "ge" in bounds else f"more than {_to_text(bounds['gt'])}"
    text = f"{low} to {_to_text(bounds['le'])}"
    return f"{text}, or none" if type(None) in get_args(field.annotation) else text


def _from_text(name: str, text: str) -> Any:
    field = TrainConfig.model_fields.get(name)
    if field is None or name in ("prefixes", "corpus"):
        return text
    lowered = text.strip().lower()
    if lowered in ("none", "off", "null") and type(None) in get_args(field.annotation):
        return None
    if field.annotation is bool and lowered in ("on", "yes"):
        return True
    if field.annotation is bool and lowered in ("off", "no"):
        return False
    return text.strip()


def _to_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "|".join(value)
    if isinstance(value, float):
        short = f"{value:.12g}"  # 100, where repr says 100.0
        return short if float(short) == value else repr(value)
    return "none" if value is None else str(value)


def _config_error(error: ValidationError) -> ConfigError:
    first = error.errors(include_url=False, include_context=False)[0]
    if not first["loc"]:  # two settings that do not go together
        reason = first["msg"]
        message = f"These settings do not go together: {reason}."
        return ConfigError(first["type"], message, field="", value="", allowed=reason)
    name, value = str(first["loc"][0]), first.get("input")
    allowed = allowed_values(name)
    shown = value if isinstance(value, (str, int, float)) else repr(value)
    return ConfigError(
        "config_value",
        f"{name} cannot be {shown!r}; allowed: {allowed}.",
        field=name,
        value=str(shown)[:100],
        allowed=allowed,
    )
