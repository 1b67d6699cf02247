"""What is missing can be started here: the experiment of a topic, a twin, a variant."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from rnnlab.config import TrainConfig
from rnnlab.recipes import RECIPES
from rnnlab.text import corpora
from rnnlab.view.data.identity import Identity
from rnnlab.view.diagnose.subject import Subject
from rnnlab.view.language.i18n import t
from rnnlab.view.language.settings import recipe_label
from rnnlab.view.page import estimate, names, session
from rnnlab.view.page.forms import Problems

RECIPE = {"layers": "A9", "directions": "A10", "clipping": "A8-repaired", "overfitting": "A2"}
"""The experiment that shows each topic best."""
CHOSEN = "diagnose.chosen"
"""Where the session keeps whom it examines, by topic."""
TOPIC = "diagnose.topic"
"""Where it keeps the topic."""
PROBLEMS = Problems("diagnose")
"""What a click was refused, until the page says it."""


def show(identity: Identity, topic: str | None = None) -> None:
    """Examine another run or recording from now on."""
    st.session_state.setdefault(CHOSEN, {})[topic or st.session_state[TOPIC]] = identity


def nothing_to_ask(one: Subject) -> None:
    """Say why there is no diagnosis: a recording that carries none, or a run with no checkpoint."""
    lang = one.scene.lang
    if one.record is None:
        st.info(t("diagnose.not_recorded", lang), icon=":material/movie:")
    elif one.record.live:
        st.info(t("diagnose.no_checkpoint_yet", lang, period=one.config.pred_period), icon=":material/hourglass_empty:")
    else:
        st.info(t("diagnose.no_checkpoint", lang), icon=":material/info:")


def offer(topic: str) -> None:
    """Offer to start the experiment that shows a topic best, where there is nobody to examine."""
    lang, recipe = session.language(), RECIPES[RECIPE[topic]]
    st.info(t("diagnose.nobody", lang, title=recipe_label(recipe, lang)), icon=":material/info:")
    _start_recipe(topic, primary=True)


def offer_own(topic: str, one: Subject) -> None:
    """Offer beside a recording to train the same here; a recording cannot be asked, and its topic may be another."""
    if one.record is None:
        _start_recipe(topic, one.name)


def _start_recipe(topic: str, name: str | None = None, primary: bool = False) -> None:
    lang, recipe = session.language(), RECIPES[name or RECIPE[topic]]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        key = f"diagnose.start.{recipe.id}"
        label = t("diagnose.start", lang, id=recipe.id)
        start_button(label, {recipe.id: recipe.config}, key, topic=topic, primary=primary)
        estimate.note(recipe.config, width="content")


def start_button(
    label: str, configs: Mapping[str, TrainConfig], key: str, *, topic: str | None = None, primary: bool = False
) -> None:
    """Draw a button that starts real runs, with what they will take here.

    Args:
        label: of the button.
        configs: the runs to start, by the recipe that each is or departs from.
        key: of the button.
        topic: where the first of them is to be examined from then on.
        primary: whether it is what the page is waiting for.
    """
    if session.embedded():  # it shows, and nothing can be changed
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
        corpora.check_trainable(session.facts().of(config).train, config)
        base = name.partition("/")[0]
        is_it = base in RECIPES and RECIPES[base].matches(config)
        run_id = session.start_run(config, name=base if is_it else "", based_on="" if is_it else base)
        if topic and number == 0:
            show(Identity.of_run(run_id), topic)


def base_recipe(one: Subject) -> str:
    """Return the id of the recipe that a subject is, or departs from."""
    if one.record is not None:
        return names.recipe_id(one.record) or "A9"
    return one.name
