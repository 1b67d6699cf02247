"""Train: choose a recurrent network, press Start, watch it learn."""

from functools import partial

import streamlit as st

from rnnlab.view import shell
from rnnlab.view.i18n import t

lang = shell.enter()
shell.frame(t("train.title", lang))
if shell.embedded():
    from rnnlab.view.panels import embed

    embed.draw()
    st.stop()

# the rest is loaded when the heading is on its way
from rnnlab.errors import CorpusError  # noqa: E402
from rnnlab.view import live, recorded  # noqa: E402
from rnnlab.view.panels import controls, corpus, curve, decoding, explain, folded, lyrics, setup, stage, tour  # noqa: E402

tour.draw()

# the run that the URL names: the same on a second screen, after a reload, and after a look at another page
arriving = setup.arriving()
if arriving:
    lyrics.arrive()
record = controls.shown_run(arriving)
lyrics.leave(record)

# the setup: from the URL, from that run, or as it was
if arriving and record is not None and not setup.asked():
    setup.show(record)
elif arriving:
    setup.read_url()
else:
    setup.keep()
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
    live.follow(record, stage.draw)
    st.subheader(t("train.gradients", lang), anchor=False)
    live.follow(record, curve.gradients, every=2.0)
elif recording is not None:
    stage.play(recording, row, gradients=True)
elif chosen.config is not None:
    try:
        stage.preview(live.preview_scene(chosen.config, chosen.recipe, lang, shell.theme()))
    except CorpusError as error:
        shell.complain(error)

config = record.config if record else chosen.config
explain.look(setup.recipe_of(record) if record else chosen.recipe, config, record)
if config is not None:
    explain.cell(config)
    folded.section("train.text", partial(corpus.portrait, config), icon=":material/menu_book:", expanded=record is None)
if record is not None:
    folded.section("train.decoding", partial(decoding.draw, record), icon=":material/edit_note:")

# last: what a change of the setup does to the page is on its way before the widgets are drawn anew
setup.sidebar()
