"""Widgets that can be reset, and errors of callbacks."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from rnnlab.errors import RunError
from rnnlab.view.language.i18n import error_text


def form() -> None:
    import streamlit as st

    from rnnlab.view.page.forms import Edition

    edition, other = Edition("setup"), Edition("other")
    st.session_state["keys"] = [edition.key("epochs"), other.key("epochs")]
    st.session_state.setdefault("initial", 1)
    st.number_input("Epochs", 0, 100, st.session_state["initial"], key=edition.key("epochs"))
    st.button("Anew", on_click=edition.renew)


def test_a_new_edition_takes_its_initial_value_and_leaves_other_forms_alone() -> None:
    app = AppTest.from_function(form).run()
    app.number_input[0].set_value(50).run()
    app.session_state["initial"] = 2
    app.run()
    assert app.number_input[0].value == 50
    before = app.session_state["keys"]
    app.button[0].click().run()
    assert app.number_input[0].value == 2
    after = app.session_state["keys"]
    assert before[0] != after[0]
    assert before[1] == after[1]
    assert all(key.startswith("setup.epochs.") for key in (before[0], after[0]))


def clicked() -> None:
    import streamlit as st

    from rnnlab.errors import RunError
    from rnnlab.view.page.forms import Problems

    problems, elsewhere = Problems("controls"), Problems("list")

    def act(*runs: str) -> None:
        for run in runs:
            st.session_state.setdefault("done", []).append(run)
            raise RunError("run_unknown", f"There is no run {run}.", run=run)

    st.button("Bad", key="bad", on_click=problems.guard, args=(act, "a*"))
    st.button("Good", key="good", on_click=problems.guard, args=(act,))
    st.button("Other", key="other", on_click=elsewhere.guard, args=(act, "b"))

    def twice() -> None:
        for name in ("one.json", "one.json", "two.json"):
            problems.add(RunError("run_unknown", "There is no run c.", run="c"), about=name)

    st.button("Files", key="files", on_click=twice)
    st.button("Clear", key="clear", on_click=problems.clear)
    st.session_state["count"] = len(problems)
    st.markdown("here:")
    problems.show(stay=st.session_state.get("stay", False))
    if st.session_state.get("elsewhere", True):
        elsewhere.show()


def test_an_error_of_a_callback_waits_for_its_part_of_the_page_and_is_said_once() -> None:
    app = AppTest.from_function(clicked).run()
    app.button(key="bad").click().run()
    assert not app.exception
    sentence = error_text(RunError("run_unknown", "", run="a*"), "en")
    assert [element.value for element in app.error] == [sentence]
    assert app.session_state["count"] == 1
    app.run()
    assert not app.error
    app.button(key="good").click().run()
    assert not app.error
    # a part that is drawn later shows its errors then
    app.session_state["elsewhere"] = False
    app.button(key="other").click().run()
    assert not app.error
    app.session_state["elsewhere"] = True
    app.run()
    assert len(app.error) == 1
    assert app.session_state["done"] == ["a*", "b"]


def test_several_are_said_each_once_with_what_they_are_about() -> None:
    app = AppTest.from_function(clicked).run()
    app.button(key="files").click().run()
    sentence = error_text(RunError("run_unknown", "", run="c"), "en")
    assert [element.value for element in app.error] == [f"**one.json**: {sentence}", f"**two.json**: {sentence}"]


def test_what_is_to_stay_is_said_until_it_is_cleared() -> None:
    app = AppTest.from_function(clicked)
    app.session_state["stay"] = True
    app.run()
    app.button(key="bad").click().run()
    for _ in range(2):
        assert len(app.error) == 1
        app.run()
    app.button(key="clear").click().run()
    assert not app.error
