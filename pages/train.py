"""Train: choose a recurrent network, press Start, watch it learn."""

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

# the rest is loaded when the heading is on its way
from rnnlab.errors import CorpusError  # noqa: E402
from rnnlab.view.data import recorded  # noqa: E402
from rnnlab.view.page import folded, names  # noqa: E402
from rnnlab.view.train import controls, corpus, decoding, explain, setup, tour  # noqa: E402
from rnnlab.view.watch import curve, follow, scenes, stage, texts  # noqa: E402

tour.draw()

# the run that the URL names: the same on a second screen, after a reload, and after a look at another page
texts.arrive()
record = controls.shown_run()
texts.leave(record)

# the setup: from the URL, from that run, or as it was
setup.begin(record)
chosen = setup.chosen()
setup.write_url(chosen, record.config if record else None)

# nothing trains yet: a recorded run of this recipe plays, or the reference lines wait for the first point
recording = None if record is not None or chosen.changed else recorded.choose_exactly(chosen.recipe.id)

# one container: what is said here comes and goes, and the charts below keep their places
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
        session.complain(error)

config = record.config if record else chosen.config
explain.look(names.recipe_of(record) if record else chosen.recipe, config, record)
if config is not None:
    explain.cell(config)
    folded.section("train.text", partial(corpus.portrait, config), icon=":material/menu_book:", expanded=record is None)
if record is not None:
    folded.section("train.decoding", partial(decoding.draw, record), icon=":material/edit_note:")

# last: what a change of the setup does to the page is on its way before the widgets are drawn anew
setup.sidebar()
