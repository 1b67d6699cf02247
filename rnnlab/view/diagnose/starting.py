"""Buttons that start what is missing: the experiment of a topic, a counterpart, a variant."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rnnlab.config import TrainConfig
from rnnlab.recipes import RECIPES
from rnnlab.view.data.identity import Identity
from rnnlab.view.diagnose.subject import ExaminedRun
from rnnlab.view.language.i18n import t
from rnnlab.view.language.settings import recipe_label
from rnnlab.view.page import estimate, names, session
from rnnlab.view.page.forms import Problems

RECIPE = {"layers": "A9", "directions": "A10", "clipping": "A8-repaired", "overfitting": "A2"}
"""The experiment that shows each topic best."""
CHOSEN = "diagnose.chosen"
"""Session key of the examined runs by topic."""
TOPIC = "diagnose.topic"
"""Session key of the topic."""
PROBLEMS = Problems("diagnose")
"""Errors of callbacks, until the page shows them."""


def show(identity: Identity, topic: str | None = None) -> None:
    """Examine another run or recording from now on."""
    st.session_state.setdefault(CHOSEN, {})[topic or st.session_state[TOPIC]] = identity


def nothing_to_ask(examined: ExaminedRun) -> None:
    """Draw the reason why there is no diagnosis: a recording without one, or a run without a checkpoint."""
    lang = examined.scene.lang
    if examined.record is None:
        st.info(t("diagnose.not_recorded", lang), icon=":material/movie:")
    elif examined.record.live:
        st.info(
            t("diagnose.no_checkpoint_yet", lang, period=examined.config.pred_period), icon=":material/hourglass_empty:"
        )
    else:
        st.info(t("diagnose.no_checkpoint", lang), icon=":material/info:")


def offer(topic: str) -> None:
    """Draw the button that starts the experiment of a topic, if there is no run to examine."""
    lang, recipe = session.language(), RECIPES[RECIPE[topic]]
    st.info(t("diagnose.nobody", lang, title=recipe_label(recipe, lang)), icon=":material/info:")
    _start_recipe(topic, primary=True)


def offer_own(topic: str, examined: ExaminedRun) -> None:
    """Draw the button that trains a recorded experiment here, as only runs of this server have checkpoints."""
    if examined.record is None:
        _start_recipe(topic, examined.name)


def _start_recipe(topic: str, name: str | None = None, primary: bool = False) -> None:
    lang, recipe = session.language(), RECIPES[name or RECIPE[topic]]
    with row():
        key = f"diagnose.start.{recipe.id}"
        label = t("diagnose.start", lang, id=recipe.id)
        start_button(label, {recipe.id: recipe.config}, key, topic=topic, primary=primary)
        estimate.note(recipe.config, width="content")


def row() -> DeltaGenerator:
    """Return a container for a button and, beside it, how long its runs take."""
    return st.container(horizontal=True, vertical_alignment="center", gap="small", width="content")


def start_button(
    label: str, configs: Mapping[str, TrainConfig], key: str, *, topic: str | None = None, primary: bool = False
) -> None:
    """Draw a button that starts runs, with the time they take on this machine.

    Args:
        label: label of the button.
        configs: the runs, by the recipe that each follows or departs from.
        key: key of the button.
        topic: the topic for which the first of the runs is examined from then on.
        primary: whether the button is highlighted.
    """
    if session.embedded():  # an embedded page is read-only
        return
    st.button(
        label,
        key=key,
        icon=":material/play_arrow:",
        type="primary" if primary else "secondary",
        help=t("diagnose.start.help", session.language()),
        on_click=PROBLEMS.guard,
        args=(_start, dict(configs), topic),
    )


def _start(configs: dict[str, TrainConfig], topic: str | None) -> None:
    for number, (name, config) in enumerate(configs.items()):
        session.trainable_facts(config)
        base = name.partition("/")[0]
        unchanged = base in RECIPES and RECIPES[base].matches(config)
        run_id = session.start_run(config, name=base if unchanged else "", based_on="" if unchanged else base)
        if topic and number == 0:
            show(Identity.of_run(run_id), topic)


def base_recipe(examined: ExaminedRun) -> str:
    """Return the id of the recipe that a run follows or departs from."""
    if examined.record is not None:
        return names.recipe_id(examined.record) or "A9"
    return examined.name
