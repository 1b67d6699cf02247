"""The setup in the sidebar: a recipe sets everything, and changing anything makes it "based on" that recipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.errors import RNNLabError
from rnnlab.recipes import RECIPES, Recipe, recipe
from rnnlab.runs.store import RunRecord
from rnnlab.view.language.i18n import t
from rnnlab.view.language.settings import recipe_label, value_text
from rnnlab.view.language.tips import tip
from rnnlab.view.page import address, folded, session
from rnnlab.view.page.forms import Edition, Problems
from rnnlab.view.page.names import DEFAULT_RECIPE, recipe_of
from rnnlab.view.train import corpus
from rnnlab.view.train.address import ADDRESS, SETUP

_BASE, _CONFIG, _VALUES = "setup.base", "setup.config", "setup.values"
_FORM = Edition("setup")
REFUSED = Problems("setup")
"""What the URL asked for and did not get, until another setup is chosen."""
_FIELDS = tuple(TrainConfig.model_fields)


@dataclass(frozen=True)
class Setup:
    """What the sidebar says; `config` is None where its settings do not go together, with the reason in `problem`."""

    recipe: Recipe
    config: TrainConfig | None
    problem: RNNLabError | None = None

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


def begin(shown: RunRecord | None) -> None:
    """Take the setup from the URL or from the run that is `shown` where the page begins, else keep it as it was."""
    if not address.once("setup", lambda: _arrive(shown)):
        keep()


def _arrive(shown: RunRecord | None) -> None:
    if shown is not None and not asked():
        show(shown)
    else:
        read_url()


def asked() -> dict[str, str]:
    """Return the setup that the URL asks for: ``recipe`` and settings; anything else there is not ours."""
    return {name: ADDRESS.get(name) for name in SETUP if ADDRESS.says(name)}


def show(record: RunRecord) -> None:
    """Set the sidebar to the setup of a run."""
    REFUSED.clear()
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
    REFUSED.clear()
    chosen = RECIPES[DEFAULT_RECIPE]
    if "recipe" in wanted:
        try:
            chosen = recipe(wanted["recipe"])
        except RNNLabError as error:
            REFUSED.add(error)
    config = chosen.config
    settings = {name: text for name, text in wanted.items() if name != "recipe"}
    try:
        config = config.change_from_text(settings)
    except RNNLabError:
        for name, text in settings.items():  # keep every setting that is good by itself
            try:
                config = config.change_from_text({name: text})
            except RNNLabError as error:
                REFUSED.add(error)
    _fill(chosen, config)


def write_url(setup: Setup, shown: TrainConfig | None) -> None:
    """Put the setup into the URL: the recipe and what differs from it; nothing where the run that is `shown` has it."""
    if setup.config is None:
        return
    wanted: dict[str, str] = {}
    if setup.config != shown:
        wanted = {"recipe": setup.recipe.id, **setup.config.changes_from(setup.recipe.config)}
    gone = {name: None for name in asked() if name not in wanted}
    ADDRESS.write(**gone, **wanted)


def sidebar() -> None:
    """Draw the setup; `chosen` tells what it says, also before it is drawn."""
    lang = session.language()
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
    lang = session.language()
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
    if _now("cell") == "lstm":
        _float("forget_bias")
    _choice("offset")
    _toggle("detach")
    _toggle("carry_state")


def _generation() -> None:
    lang = session.language()
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
    if values["cell"] != "lstm":
        values["forget_bias"] = 0.0
    try:
        config = base.config.change(**values)
    except RNNLabError as error:
        return Setup(base, None, error)
    st.session_state[_CONFIG] = config
    return Setup(base, config)


def _fill(chosen: Recipe, config: TrainConfig) -> None:
    st.session_state[_BASE] = chosen.id
    st.session_state[_CONFIG] = config
    _FORM.renew()
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
    REFUSED.clear()
    ADDRESS.write(epoch=None)  # that of another recording
    chosen = RECIPES[st.session_state[_key("recipe")]]
    _fill(chosen, chosen.config)


def _key(name: str) -> str:
    return session.key(_FORM.key(name))


def _options(name: str) -> list[str]:
    return list(get_args(TrainConfig.model_fields[name].annotation))


def _says(name: str) -> Callable[[Any], str]:
    lang = session.language()
    return lambda one: value_text(name, one, lang)


def _choice(name: str, drop_down: bool = False) -> None:
    lang = session.language()
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
    lang = session.language()
    st.toggle(t(f"field.{name}", lang), _held(name), key=_key(name), help=tip(name, lang))


def _number(name: str, step: int = 1, slider: bool = False) -> None:
    lang = session.language()
    low, high = _bounds(name)
    label, help_text = t(f"field.{name}", lang), tip(name, lang, allowed=True)
    if slider:
        st.slider(label, int(low), int(high), _held(name), key=_key(name), help=help_text)
    else:
        st.number_input(label, int(low), int(high), _held(name), step, key=_key(name), help=help_text)


def _float(name: str) -> None:
    lang = session.language()
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
