"""The setup in the sidebar: a recipe sets everything, and changing anything makes it "based on" that recipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from rnnlab.cells import CELLS
from rnnlab.config import TrainConfig, choices
from rnnlab.errors import RNNLabError
from rnnlab.recipes import RECIPES, Recipe, recipe
from rnnlab.runs.store import RunRecord
from rnnlab.view import shell
from rnnlab.view.i18n import t
from rnnlab.view.panels import corpus, folded
from rnnlab.view.tips import tip
from rnnlab.view.wording import recipe_label, value_text

DEFAULT_RECIPE = "A2"

_BASE, _CONFIG, _PROBLEM = "setup.base", "setup.config", "setup.problem"
_EDITION, _VALUES = "setup.edition", "setup.values"
_FIELDS = tuple(TrainConfig.model_fields)


@dataclass(frozen=True)
class Setup:
    """What the sidebar says; `config` is None where its settings do not go together, with the reason in `problem`."""

    recipe: Recipe
    config: TrainConfig | None
    problem: RNNLabError | None = None

    @property
    def refused(self) -> list[RNNLabError]:
        """What the URL asked for and did not get, with the reasons."""
        return list(st.session_state.get(_PROBLEM, []))

    @property
    def changed(self) -> bool:
        """Whether it departs from its recipe."""
        return self.config is not None and self.config != self.recipe.config

    @property
    def name(self) -> str:
        """The id of the recipe where the setup is that recipe, else nothing."""
        return "" if self.changed else self.recipe.id

    @property
    def based_on(self) -> str:
        """The id of the recipe from which the setup departs, else nothing."""
        return self.recipe.id if self.changed else ""


def load(recipe_id: str, config: TrainConfig | None = None) -> None:
    """Set the sidebar to a recipe, or to `config` as based on it."""
    chosen = recipe(recipe_id)
    _fill(chosen, config or chosen.config)


def recipe_of(record: RunRecord) -> Recipe:
    """Return the recipe that a run is, or is based on; the default one where it names none."""
    return RECIPES.get(record.name or record.based_on, RECIPES[DEFAULT_RECIPE])


def arriving() -> bool:
    """Say whether the page begins anew: by its URL, or by a link from another page.

    Only then does the URL speak. Later it may be one from before a click, sent along by a refresh on its way.
    """
    return not any(str(key).startswith("setup.recipe.") for key in st.session_state)


def asked() -> dict[str, str]:
    """Return the setup that the URL asks for: ``recipe`` and settings; anything else there is not ours."""
    return {
        name: st.query_params[name] for name in st.query_params if name == "recipe" or name in TrainConfig.model_fields
    }


def show(record: RunRecord) -> None:
    """Set the sidebar to the setup of a run."""
    st.session_state[_PROBLEM] = []
    _fill(recipe_of(record), record.config)


def keep() -> None:
    """Keep the setup as it was; widgets forget what they held while another page, or language, was shown."""
    if _CONFIG in st.session_state and _key("recipe") not in st.session_state:
        _fill(RECIPES[st.session_state[_BASE]], st.session_state[_CONFIG])


def read_url() -> None:
    """Take the setup from the URL, where it asks for one; a bad value is said and left out."""
    wanted = asked()
    if not wanted and _CONFIG in st.session_state:
        keep()
        return
    problems: list[RNNLabError] = []
    chosen = RECIPES[DEFAULT_RECIPE]
    if "recipe" in wanted:
        try:
            chosen = recipe(wanted["recipe"])
        except RNNLabError as error:
            problems.append(error)
    config = chosen.config
    settings = {name: text for name, text in wanted.items() if name != "recipe"}
    try:
        config = config.change_from_text(settings)
    except RNNLabError:
        for name, text in settings.items():  # keep every setting that is good by itself
            try:
                config = config.change_from_text({name: text})
            except RNNLabError as error:
                problems.append(error)
    st.session_state[_PROBLEM] = problems
    _fill(chosen, config)


def write_url(setup: Setup, shown: TrainConfig | None) -> None:
    """Put the setup into the URL: the recipe and what differs from it; nothing where the run that is `shown` has it."""
    if setup.config is None:
        return
    wanted: dict[str, str] = {}
    if setup.config != shown:
        wanted = {"recipe": setup.recipe.id, **setup.config.changes_from(setup.recipe.config)}
    gone = {name: None for name in asked() if name not in wanted}
    shell.parameters(**gone, **wanted)


def sidebar() -> None:
    """Draw the setup; `chosen` tells what it says, also before it is drawn."""
    lang = shell.language()
    with st.sidebar:
        st.selectbox(
            t("setup.recipe", lang),
            list(RECIPES),
            list(RECIPES).index(st.session_state[_BASE]),
            key=_key("recipe"),
            format_func=lambda one: recipe_label(RECIPES[one], lang),
            placeholder=t("setup.recipe_placeholder", lang),
            on_change=_recipe_chosen,
        )
        _choice("cell")
        _choice("implementation")
        _number("num_layers", slider=True)
        _toggle("bidirectional")
        if _now("bidirectional"):
            _choice("objective")
        _number("num_hiddens", step=32)
        _choice("sampling")
        corpus.choose(_key("corpus"), _held("corpus"), use_corpus)
        folded.section("setup.optimizer", _optimizer)
        folded.section("setup.generation", _generation)
        folded.section("setup.preprocessing", _preprocessing)
        folded.section("setup.machine", _machine)


def _optimizer() -> None:
    lang = shell.language()
    _choice("optimizer")
    _float("learning_rate")
    st.toggle(t("setup.clipping", lang), _clipping(), key=_key("clipping"), help=tip("clip_norm", lang))
    if _clipping():
        _float("clip_norm")
    _number("num_epochs", step=10)
    _number("batch_size", step=8)
    _number("num_steps", step=5)
    _choice("initialization", drop_down=True)
    _choice("activation")
    _toggle("residual")
    _toggle("layer_norm")
    if CELLS[_now("cell")].forget:
        _float("forget_bias")
    _choice("offset")
    _toggle("detach")
    _toggle("carry_state")


def _generation() -> None:
    lang = shell.language()
    st.text_input(
        t("field.prefixes", lang),
        _held("prefixes"),
        key=_key("prefixes"),
        help=tip("prefixes", lang),
        placeholder="分开 | 不分开",
    )
    _number("num_preds", step=10)
    _number("pred_period", step=10)
    _choice("decoding", drop_down=True)
    if _now("decoding") == "temperature":
        _float("temperature")
    if _now("decoding") == "top_k":
        _number("top_k")


def _preprocessing() -> None:
    _choice("preprocessing", drop_down=True)
    _number("num_chars", step=1000)


def _machine() -> None:
    _number("random_seed")
    _choice("computation")
    _toggle("flush_denormal")
    _choice("precision", drop_down=True)
    _choice("device", drop_down=True)


def chosen() -> Setup:
    """Return what the sidebar says in this run of the page, drawn already or not."""
    base = RECIPES[st.session_state[_BASE]]
    values: dict[str, Any] = {name: _now(name) for name in _FIELDS}
    clipping = _clipping()
    # a section that is folded has no widgets to keep what was put into it, good or not
    st.session_state[_VALUES] = values | {"clipping": clipping}
    values["prefixes"] = tuple(part.strip() for part in str(values["prefixes"]).split("|") if part.strip())
    if not clipping:
        values["clip_norm"] = None
    # what is not shown is not in force
    if not values["bidirectional"]:
        values["objective"] = "next"
    if not CELLS[values["cell"]].forget:
        values["forget_bias"] = 0.0
    try:
        config = base.config.change(**values)
    except RNNLabError as error:
        return Setup(base, None, error)
    st.session_state[_CONFIG] = config
    return Setup(base, config)


def _fill(chosen: Recipe, config: TrainConfig) -> None:
    # a new edition of the widgets, with new keys, begins at its defaults. Writing into the old ones by the session's
    # state is not safe: when two runs of the page follow each other closely, the browser can miss what was written
    st.session_state[_BASE] = chosen.id
    st.session_state[_CONFIG] = config
    st.session_state[_EDITION] = st.session_state.get(_EDITION, 0) + 1
    st.session_state.pop(_VALUES, None)


def _held(name: str) -> Any:
    """Return the value of a setting as its widget showed it last, or shows it at first."""
    if _VALUES in st.session_state:
        return st.session_state[_VALUES][name]
    value = getattr(st.session_state[_CONFIG], name)
    if name == "prefixes":
        return " | ".join(value)
    if name == "clip_norm" and value is None:
        return RECIPES[st.session_state[_BASE]].config.clip_norm or 0.01
    return value


def _now(name: str) -> Any:
    """Return what the widget of a setting says in this run of the page, also before it is drawn."""
    return st.session_state.get(_key(name), _held(name))


def _clipping() -> bool:
    held = st.session_state.get(_VALUES, {}).get("clipping", st.session_state[_CONFIG].clip_norm is not None)
    return bool(st.session_state.get(_key("clipping"), held))


def use_corpus(name: str) -> None:
    """Set the training text."""
    config: TrainConfig = st.session_state[_CONFIG]
    _fill(RECIPES[st.session_state[_BASE]], config.change(corpus=name))


def _recipe_chosen() -> None:
    st.session_state[_PROBLEM] = []
    shell.parameters(epoch=None)  # that of another recording
    chosen = RECIPES[st.session_state[_key("recipe")]]
    _fill(chosen, chosen.config)


def _key(name: str) -> str:
    return shell.key(f"setup.{name}.{st.session_state.get(_EDITION, 0)}")


def _options(name: str) -> list[str]:
    return list(choices(name))


def _says(name: str) -> Callable[[Any], str]:
    lang = shell.language()
    return lambda one: value_text(name, one, lang)


def _choice(name: str, drop_down: bool = False) -> None:
    lang = shell.language()
    label, help_text, options, held = t(f"field.{name}", lang), tip(name, lang), _options(name), _held(name)
    if drop_down:
        st.selectbox(label, options, options.index(held), key=_key(name), format_func=_says(name), help=help_text)
    else:
        st.segmented_control(
            label,
            options,
            default=held,
            key=_key(name),
            format_func=_says(name),
            required=True,
            help=help_text,
            width="stretch",
        )


def _toggle(name: str) -> None:
    lang = shell.language()
    st.toggle(t(f"field.{name}", lang), _held(name), key=_key(name), help=tip(name, lang))


def _number(name: str, step: int = 1, slider: bool = False) -> None:
    lang = shell.language()
    low, high = _bounds(name)
    label, help_text = t(f"field.{name}", lang), tip(name, lang, allowed=True)
    if slider:
        st.slider(label, int(low), int(high), _held(name), key=_key(name), help=help_text)
    else:
        st.number_input(label, int(low), int(high), _held(name), step, key=_key(name), help=help_text)


def _float(name: str) -> None:
    lang = shell.language()
    _, high = _bounds(name)
    held = float(_held(name))
    st.number_input(
        t(f"field.{name}", lang),
        0.0,
        high,
        held,
        step=held / 10 or 0.5,
        format="%.6g",
        key=_key(name),
        help=tip(name, lang, allowed=True),
    )


def _bounds(name: str) -> tuple[float, float]:
    limits = {
        key: getattr(meta, key)
        for meta in TrainConfig.model_fields[name].metadata
        for key in ("ge", "gt", "le")
        if hasattr(meta, key)
    }
    return float(limits.get("ge", limits.get("gt", 0))), float(limits["le"])
