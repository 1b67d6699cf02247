"""Train: choose a recurrent network, press Start, and watch it learn."""

from functools import partial

import streamlit as st

from rnnlab.view.language.i18n import t
from rnnlab.view.page import frame, session

lang = frame.enter()
frame.head(t("train.title", lang))
if session.embedded():
    from rnnlab.view.watch import embed

    embed.draw()
    st.stop()

# imported here, so that the heading is sent first
from rnnlab.errors import CorpusError  # noqa: E402
from rnnlab.view.data import recorded  # noqa: E402
from rnnlab.view.page import folded, names  # noqa: E402
from rnnlab.view.train import controls, corpus, decoding, explain, setup, tour  # noqa: E402
from rnnlab.view.watch import curve, follow, scenes, stage, texts  # noqa: E402

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

# a single container, so that messages that come and go do not move the charts below
with st.container():
    controls.headline(chosen)
    controls.bar(chosen, record)
    if record is not None:
        controls.shown_beside(chosen, record)
    elif recording is not None:
        row = stage.announce(recording)

if record is not None:
    follow.follow(record, stage.draw)
    st.subheader(t("train.gradients", lang), anchor=False)
    follow.follow(record, curve.gradients, every=2.0)
elif recording is not None:
    stage.play(recording, row, gradients=True)
elif chosen.config is not None:
    try:
        stage.preview(scenes.preview_scene(chosen.config, chosen.recipe, lang, session.theme()))
    except CorpusError as error:
        session.show_error(error)

config = record.config if record else chosen.config
explain.what_to_look_for(names.recipe_of(record) if record else chosen.recipe, config, record)
if config is not None:
    explain.cell(config)
    folded.section("train.text", partial(corpus.describe, config), icon=":material/menu_book:", expanded=record is None)
if record is not None:
    folded.section("train.decoding", partial(decoding.draw, record), icon=":material/edit_note:")

# last, so that the page shows a change of the setup before the widgets are redrawn
setup.sidebar()
