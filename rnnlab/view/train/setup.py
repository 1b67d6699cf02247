"""The setup in the drawer: a recipe sets everything; changing a setting makes the setup "based on" the recipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from rnnlab.config import SETTINGS, TrainConfig, allowed_values, in_section
from rnnlab.errors import RNNLabError
from rnnlab.recipes import RECIPES, Recipe, recipe
from rnnlab.runs.store import RunRecord
from rnnlab.setting import SECTIONS, Section
from rnnlab.view.language.i18n import t
from rnnlab.view.language.settings import no_effect_text, recipe_label, value_text
from rnnlab.view.page import address, fields, folded, session
from rnnlab.view.page.forms import Edition, Problems
from rnnlab.view.page.names import DEFAULT_RECIPE, recipe_of
from rnnlab.view.train import corpus, passage, tour
from rnnlab.view.train.address import ADDRESS, SETUP

_BASE, _CONFIG, _VALUES = "setup.base", "setup.config", "setup.values"
_FORM = Edition("setup")
REFUSED = Problems("setup")
"""Errors of the parameters in the URL, shown until another setup is chosen."""
_FIELDS = tuple(TrainConfig.model_fields)


@dataclass(frozen=True)
class Setup:
    """The setup in the sidebar; `config` is None if its settings are invalid, with the reason in `problem`."""

    recipe: Recipe
    config: TrainConfig | None
    problem: RNNLabError | None = None

    @property
    def changed(self) -> bool:
        """Whether the setup departs from its recipe."""
        return self.config is not None and self.config != self.recipe.config

    @property
    def name(self) -> str:
        """The id of the recipe if the setup equals it, otherwise ""."""
        return "" if self.changed else self.recipe.id

    @property
    def based_on(self) -> str:
        """The id of the recipe if the setup departs from it, otherwise ""."""
        return self.recipe.id if self.changed else ""


def load(recipe_id: str, config: TrainConfig | None = None) -> None:
    """Set the sidebar to a recipe, or to `config` based on it."""
    chosen = recipe(recipe_id)
    _fill(chosen, config or chosen.config)


def begin(shown: RunRecord | None) -> None:
    """Take the setup from the URL or from the run `shown` if a visit begins, otherwise keep it."""
    if not address.once("setup", lambda: _arrive(shown)):
        keep()


def _arrive(shown: RunRecord | None) -> None:
    if shown is not None and not from_url():
        show(shown)
    else:
        read_url()


def from_url() -> dict[str, str]:
    """Return the parameters of the setup in the URL: ``recipe`` and settings."""
    return {name: ADDRESS.get(name) for name in SETUP if ADDRESS.given(name)}


def show(record: RunRecord) -> None:
    """Set the sidebar to the setup of a run."""
    REFUSED.clear()
    _fill(recipe_of(record), record.config)


def keep() -> None:
    """Keep the setup; widgets lose their values while another page or language is shown."""
    if _CONFIG in st.session_state and _key("recipe") not in st.session_state:
        _fill(RECIPES[st.session_state[_BASE]], st.session_state[_CONFIG])


def read_url() -> None:
    """Take the setup from the URL if it has one; invalid values are reported and ignored."""
    requested = from_url()
    if not requested and _CONFIG in st.session_state:
        keep()
        return
    REFUSED.clear()
    chosen = RECIPES[DEFAULT_RECIPE]
    if "recipe" in requested:
        try:
            chosen = recipe(requested["recipe"])
        except RNNLabError as error:
            REFUSED.add(error)
    config = chosen.config
    settings = {name: text for name, text in requested.items() if name != "recipe"}
    try:
        config = config.change_from_text(settings)
    except RNNLabError:
        for name, text in settings.items():  # keep all settings that are valid individually
            try:
                config = config.change_from_text({name: text})
            except RNNLabError as error:
                REFUSED.add(error)
    _fill(chosen, config)


def write_url(setup: Setup, shown: TrainConfig | None) -> None:
    """Write the setup to the URL: the recipe and the differences from it; nothing if the run `shown` has this setup."""
    if setup.config is None:
        return
    parameters: dict[str, str] = {}
    if setup.config != shown:
        parameters = {"recipe": setup.recipe.id, **setup.config.changes_from(setup.recipe.config)}
    gone = {name: None for name in from_url() if name not in parameters}
    ADDRESS.write(**gone, **parameters)


# the button that opens the drawer says so, where there is room
_DRAWER = """
@media (min-width: 1151px) {
  [data-testid="stExpandSidebarButton"] { width: auto; padding: 0 0.5rem; gap: 0.25rem }
  [data-testid="stExpandSidebarButton"]::after { content: "TITLE"; white-space: nowrap }
}
"""
QUICK = ("cell", "num_layers", "num_hiddens", "corpus")
"""The settings that are also in the row above the curve."""
_SIZES = (32, 64, 128, 256, 512, 1024)


def quick() -> None:
    """Draw the row with the experiment and the settings that are changed most; the drawer has all settings.

    The widgets of this row only mirror those of the drawer: their value is set in each run of the page.
    """
    lang = session.language()
    choices: dict[str, tuple[Any, ...]] = {
        "recipe": tuple(RECIPES),
        "num_layers": tuple(range(1, int(allowed_values("num_layers").high) + 1)),
        "num_hiddens": tuple(sorted({*_SIZES, int(_now("num_hiddens"))})),
        "corpus": tuple(corpus.names(_now("corpus"))),
    }
    labels: dict[str, Callable[[Any], str]] = {
        "recipe": lambda name: recipe_label(RECIPES[name], lang),
        "num_layers": lambda number: t("quick.layers", lang, number=number),
        "num_hiddens": lambda number: t("quick.hiddens", lang, number=number),
        "corpus": corpus.titles(choices["corpus"], lang).__getitem__,
    }
    held = {"recipe": st.session_state[_BASE], **{name: _now(name) for name in QUICK}}
    with st.container(key="train.quick", horizontal=True, vertical_alignment="center", gap="small"):
        for name in ("recipe", *QUICK):
            key = session.key(f"quick.{name}")
            st.session_state[key] = held[name]
            label = t("setup.recipe" if name == "recipe" else f"field.{name}", lang)
            if name == "cell":
                st.segmented_control(
                    label,
                    allowed_values(name).choices,
                    key=key,
                    format_func=lambda value: value_text("cell", value, lang),
                    required=True,
                    label_visibility="collapsed",
                    on_change=_changed,
                    args=(name, key),
                )
                continue
            st.selectbox(
                label,
                choices[name],
                key=key,
                format_func=labels[name],
                label_visibility="collapsed",
                placeholder=label,
                on_change=_changed,
                args=(name, key),
                width=_WIDTHS[name],
            )


_WIDTHS = {"recipe": 300, "num_layers": 120, "num_hiddens": 170, "corpus": 220}


def _changed(name: str, key: str) -> None:
    value = st.session_state.get(key)
    if value is None:
        return
    if name == "recipe":
        _use_recipe(value)
    elif name == "corpus":
        use_corpus(value)
    elif _CONFIG in st.session_state:
        _fill(RECIPES[st.session_state[_BASE]], _entered().change(**{name: value}))


def sidebar() -> None:
    """Draw the setup; `chosen` returns it, even before it is drawn."""
    lang = session.language()
    with st.sidebar:
        tour.offer()
        st.markdown(f"<style>{_DRAWER.replace('TITLE', t('train.drawer', lang))}</style>", unsafe_allow_html=True)
        key = _key("recipe")
        st.selectbox(
            t("setup.recipe", lang),
            list(RECIPES),
            list(RECIPES).index(st.session_state[_BASE]),
            key=key,
            format_func=lambda name: recipe_label(RECIPES[name], lang),
            placeholder=t("setup.recipe_placeholder", lang),
            on_change=_changed,
            args=("recipe", key),
        )
        _section("network")
        for section in SECTIONS[1:]:
            folded.section(f"setup.{section}", partial(_section, section))


def _section(section: Section) -> None:
    lang = session.language()
    for name in in_section(section):
        setting, acts = SETTINGS[name], SETTINGS[name].acts(_now)
        if setting.hidden and not acts:
            continue
        if setting.switch:
            fields.draw_switch(name, _on(name), _key(setting.switch), lang)
        if not _on(name):
            continue
        if setting.widget == "origin":  # a button sets it, and another takes it back
            continue
        if setting.widget == "corpus":
            corpus.choose(_key(name), _held(name), use_corpus)
        else:
            fields.draw(name, _held(name), _key(name), lang)
        if name == "prefixes":
            passage.choose(_entered(), "setup", _use_passage)
        if not acts and fields.read(name, _now(name)) != TrainConfig.model_fields[name].default:
            st.caption(no_effect_text(name, lang))


def chosen() -> Setup:
    """Return the setup in the sidebar in this run of the page, whether or not it has been drawn."""
    base = RECIPES[st.session_state[_BASE]]
    values: dict[str, Any] = {name: _now(name) for name in _FIELDS}
    # a folded section has no widgets that keep its values, valid or not
    switches = {setting.switch: _on(name) for name, setting in SETTINGS.items() if setting.switch}
    st.session_state[_VALUES] = values | switches
    try:
        config = base.config.change(**{name: _in_force(name, values) for name in _FIELDS})
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
    """Return the value that the widget of a setting had last, or its initial value."""
    if _VALUES in st.session_state:
        return st.session_state[_VALUES][name]
    value = getattr(st.session_state[_CONFIG], name)
    if value is None:  # the setting is off; this is its value when it is switched on
        value = getattr(RECIPES[st.session_state[_BASE]].config, name)
        value = TrainConfig.model_fields[name].default if value is None else value
    return fields.shown(value)


def _now(name: str) -> Any:
    """Return the current value of the widget of a setting, even before it is drawn."""
    return st.session_state.get(_key(name), _held(name))


def _on(name: str) -> bool:
    """Return whether a setting is on; one without a switch always is."""
    switch = SETTINGS[name].switch
    if not switch:
        return True
    held = st.session_state.get(_VALUES, {}).get(switch, getattr(st.session_state[_CONFIG], name) is not None)
    return bool(st.session_state.get(_key(switch), held))


def _in_force(name: str, values: dict[str, Any]) -> Any:
    """Return the value of a setting given the values of all widgets; a hidden setting has its default."""
    if SETTINGS[name].hidden and not SETTINGS[name].acts(values.__getitem__):
        return TrainConfig.model_fields[name].default
    return fields.read(name, values[name]) if _on(name) else None


def use_corpus(name: str) -> None:
    """Set the training text."""
    _fill(RECIPES[st.session_state[_BASE]], corpus.suit_prefixes(_entered().change(corpus=name)))


def _use_passage(text: str) -> None:
    _fill(RECIPES[st.session_state[_BASE]], _entered().change(prefixes=(text,)))


def _entered() -> TrainConfig:
    """Return the setup with the newest input of all widgets; the last valid setup if that is invalid."""
    config: TrainConfig = chosen().config or st.session_state[_CONFIG]
    return config


def _use_recipe(name: str) -> None:
    REFUSED.clear()
    ADDRESS.write(epoch=None)  # the epoch belonged to another recording
    _fill(RECIPES[name], RECIPES[name].config)


def _key(name: str) -> str:
    return session.key(_FORM.key(name))
