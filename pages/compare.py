"""Compare: lay runs over each other, and see what makes the difference."""

import streamlit as st

from rnnlab.view import shell
from rnnlab.view.i18n import t
from rnnlab.view.panels import compare_overlay, compare_pins, compare_state

lang = shell.enter()
shell.frame(t("compare.title", lang), t("compare.lead", lang))

# what the URL asks for, and what of it could not be done
for problem in compare_state.begin():
    shell.complain(problem)
if shell.embedded():
    compare_overlay.draw(compare_state.pins())
    st.stop()
view = compare_state.view()

if view == "overlay":
    # which runs: ready pairs, those that are pinned, and any other
    compare_pins.pairs()
    pins = compare_state.pins()
    compare_pins.draw(compare_overlay.names_of(pins))
    if pins:
        compare_overlay.draw(pins)
    else:
        st.info(t("compare.empty", lang), icon=":material/push_pin:")

elif view == "race":
    # variants of one experiment, from one random seed, started together
    from rnnlab.view.panels import compare_race

    compare_race.setup()
    compare_race.watch(compare_state.pins())

elif view == "seeds":
    # one experiment from several random seeds
    from rnnlab.view.panels import compare_seeds

    compare_seeds.draw()

else:
    # from scratch and from the library: the same function, and what else differs
    from rnnlab.view.panels import compare_ladder, compare_parity

    compare_parity.draw()
    compare_ladder.draw()
