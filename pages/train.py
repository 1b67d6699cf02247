"""Train: choose a recurrent network, press Start, and watch it learn."""

import streamlit as st

from rnnlab.view.language.i18n import t
from rnnlab.view.page import frame, session
from rnnlab.view.train import projection

lang = frame.enter()
projection.arrive()
sheets = ("first_screen", "stage") if session.stage() else ("first_screen",)
frame.head(t("train.title", lang), quiet=True, shares=True, sheets=sheets)
if session.embedded():
    from rnnlab.view.watch import embed

    embed.draw()
    st.stop()

# imported here, so that the heading is sent first
from rnnlab.errors import CorpusError  # noqa: E402
from rnnlab.view.data import recorded  # noqa: E402
from rnnlab.view.page import names  # noqa: E402
from rnnlab.view.train import controls, sections, setup, tour  # noqa: E402
from rnnlab.view.watch import follow, scenes, stage, texts  # noqa: E402

tour.draw()

# the run in the URL: the same on a second screen, after a reload, and after visiting another page
texts.arrive()
record = controls.shown_run()
texts.leave(record)

# the setup: from the URL, from this run, or as before
setup.begin(record)
chosen = setup.chosen()
setup.write_url(chosen, record.config if record else None)

# without a run, a recording of the recipe plays, or the reference lines are shown
recording = None if record is not None or chosen.changed else recorded.choose_exactly(chosen.recipe.id)

# a text that is too short for the setup
fits = True
if record is None and recording is None and chosen.config is not None:
    try:
        session.trainable_facts(chosen.config)
    except CorpusError as error:
        fits = False
        controls.PROBLEMS.add(error)

# the first screen: settings, buttons, curve and texts; each row is there from the start, so that nothing moves
if not session.stage():
    setup.quick()
row = controls.bar(chosen, record, recording, fits)
if record is not None:
    follow.follow(record, stage.draw)
elif recording is not None:
    stage.play(recording, row)
elif chosen.config is not None and fits:
    stage.preview(scenes.preview_scene(chosen.config, chosen.recipe, lang, session.theme()))

if session.stage():
    st.stop()

# below it: one section at a time
recipe = names.recipe_of(record) if record else chosen.recipe
sections.draw(recipe, record.config if record else chosen.config, record, recording)

# last, so that the page shows a change of the setup before the widgets are redrawn
setup.sidebar()
