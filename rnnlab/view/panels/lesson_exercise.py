"""The exercises: first a guess, then the run, recorded or real, then one sentence made from it."""

from __future__ import annotations

import streamlit as st

from rnnlab.errors import RNNLabError
from rnnlab.recipes import RECIPES
from rnnlab.runs.store import RunRecord
from rnnlab.view import live, recorded, shell
from rnnlab.view.charts import lessons as charts
from rnnlab.view.facts import TextFacts
from rnnlab.view.frames import History
from rnnlab.view.i18n import number, plain, t
from rnnlab.view.lessons import exercises, tables, words
from rnnlab.view.lessons.contents import Lesson
from rnnlab.view.lessons.exercises import Finding
from rnnlab.view.live import Scene
from rnnlab.view.panels import chart, lesson_frame
from rnnlab.view.panels.lesson_frame import conclude
from rnnlab.view.wording import state_text

_PROBLEM = "lesson.exercise.problem"
# what each exercise changes in A2
_DIFFER = {"X2": ("clip_norm",), "X3": ("pred_period",), "X4": ("detach",), "X5": ("activation",)}


def draw(lesson: Lesson) -> None:
    """Ask for a guess; after it, show the run."""
    name, lang = lesson.name, shell.language()
    guess = st.session_state.get(_guess_key(name))
    if guess is None:
        with st.container(horizontal=True):
            for one in exercises.GUESSES[name]:
                st.button(
                    t(f"lesson.{name}.guess.{one}", lang),
                    key=f"lesson.guess.{name}.{one}",
                    on_click=_commit,
                    args=(name, one),
                )
        st.caption(t("lesson.exercise.first_guess", lang))
        return
    st.markdown(t("lesson.exercise.guessed", lang, guess=t(f"lesson.{name}.guess.{guess}", lang)))
    problem = st.session_state.pop(_PROBLEM, None)
    if problem is not None:
        shell.complain(problem)
    records = _records(name)
    if records:
        _live(name, records, str(guess))
    else:
        _recorded(name, str(guess))


def _live(name: str, records: list[RunRecord], guess: str) -> None:
    lang = shell.language()
    alive = [one for one in records if one.live]
    with st.container(horizontal=True, vertical_alignment="center"):
        for one in records:
            label = f"{one.name or one.based_on} · {state_text(one.state, lang)}"
            st.page_link(
                shell.PAGES["train"][0],
                label=label,
                icon=":material/show_chart:",
                query_params={"run": one.id, "lang": lang},
            )
        if shell.embedded():
            pass
        elif alive:
            st.button(
                t("controls.stop", lang),
                key=f"lesson.stop.{name}",
                icon=":material/stop:",
                on_click=_stop,
                args=([one.id for one in alive],),
            )
        elif recorded_runs(name):
            st.button(
                t("lesson.exercise.recorded", lang),
                key=f"lesson.close.{name}",
                icon=":material/movie:",
                on_click=_close,
            )

    def look(_: Scene) -> None:
        try:
            scenes = [_scene(shell.store().run(one.id)) for one in records]
        except RNNLabError:  # deleted meanwhile
            st.rerun()
        _reveal(name, scenes, guess, f"lesson.live.{name}")

    # whichever still trains is followed; when it ends, the page runs again and follows the next one
    live.follow(alive[0] if alive else records[0], look)


def _recorded(name: str, guess: str) -> None:
    lang = shell.language()
    scenes = recorded_runs(name)
    with st.container(horizontal=True, vertical_alignment="center"):
        if scenes:
            st.badge(t("lesson.recorded", lang), icon=":material/movie:", color="violet")
        else:
            st.markdown(t("lesson.exercise.not_recorded", lang))
        if not shell.embedded():
            st.button(
                t("lesson.exercise.run", lang, count=len(exercises.plan(name))),
                key=f"lesson.run.{name}",
                icon=":material/play_arrow:",
                type="secondary" if scenes else "primary",
                on_click=_start,
                args=(name,),
            )
    if scenes:
        _reveal(name, scenes, guess, f"lesson.recorded.{name}")


def recorded_runs(name: str) -> list[Scene]:
    """Return the recorded runs of an exercise; none unless all of them have been recorded."""
    found = [recorded.choose_exactly(one) for one in exercises.recipes_of(name)]
    # the centre of the grid is A2 itself
    found = [
        one or (recorded.choose_exactly("A2") if at == "X1" else None)
        for one, at in zip(found, exercises.recipes_of(name), strict=True)
    ]
    if any(one is None for one in found):
        return []
    lang, theme = shell.language(), shell.theme()
    return [live.recorded_scene(one, one.history.epoch, lang, theme) for one in found if one is not None]


def _scene(record: RunRecord) -> Scene:
    return live.feed(record.id).scene(record, shell.language(), shell.theme())


def _reveal(name: str, scenes: list[Scene], guess: str, key: str) -> None:
    lang, theme = shell.language(), shell.theme()
    reference = _reference(name, scenes[0])
    found = _finding(name, scenes, reference)
    sentence = words.finding(name, found, lang) if found is not None else t("lesson.exercise.waiting", lang)
    curves: dict[str, History] = {_series(name, scene): scene.history for scene in scenes}
    if reference is not None:
        curves[t("lesson.exercise.reference", lang)] = reference
    epochs = max(scene.config.num_epochs for scene in scenes)
    newest = t("list.join", lang).join(
        f"{label} {number(history.last.perplexity, 4)}" for label, history in curves.items() if history.last is not None
    )
    ended = all(scene.ended for scene in scenes)
    chart.show(
        charts.race(lang, theme),
        tables.race(curves, scenes[0].vocab_size, epochs),
        key=f"{key}.race",
        # another text would draw the chart anew while it grows
        alt=f"{t('lesson.exercise.alt', lang)} {newest}" if ended else t("lesson.exercise.alt", lang),
    )
    if name == "X3" and scenes[0].history.texts:
        _texts(scenes[0])
    if found is None or not ended:
        st.caption(sentence)
        return
    conclude(sentence)
    if found.came_true is not None:
        verdict = "as_guessed" if found.came_true == guess else "otherwise"
        st.caption(t(f"lesson.exercise.{verdict}", lang, came=t(f"lesson.{name}.guess.{found.came_true}", lang)))
    else:
        st.caption(t("lesson.exercise.unsettled", lang))


def _texts(scene: Scene) -> None:
    """Show what it writes now."""
    epoch = scene.history.written()[-1]
    prefix = next(iter(scene.history.texts[epoch]))
    reading = scene.read(epoch, prefix)
    if reading is not None:
        st.html(reading.html)


def _finding(name: str, scenes: list[Scene], reference: History | None) -> Finding | None:
    first = scenes[0]
    if name == "X1":
        runs = {scene.config.learning_rate: scene.history for scene in scenes}
        return exercises.winner(runs, first.config.clip_norm)
    if name == "X2":
        return exercises.without_clipping(first.history, first.vocab_size, reference)
    if name == "X3":
        return exercises.every_epoch(first.history, _quoter(first.text))
    if name == "X4":
        return exercises.without_detach(first.history, reference)
    return exercises.relu_for_tanh(first.history, reference)


def _quoter(text: TextFacts | None) -> exercises.Quoted:
    def quoted(written: str, prefix: str) -> str:
        if text is None:
            return ""
        for span in text.index.quoted_spans(written):
            start = max(span.start, len(prefix))
            if span.stop - start >= text.quote_length:
                return written[start : span.stop]
        return ""

    return quoted


def _reference(name: str, scene: Scene) -> History | None:
    """Return the recorded A2 where it differs from the run only in what the exercise is about."""
    recording = recorded.choose_exactly("A2")
    if (
        recording is None
        or name not in _DIFFER
        or not exercises.comparable(scene.config, recording.config, _DIFFER[name])
    ):
        return None
    return recording.history.until(max(scene.config.num_epochs, 1))


def _series(name: str, scene: Scene) -> str:
    lang = shell.language()
    if name == "X1":
        return t("lesson.X1.series", lang, rate=f"{scene.config.learning_rate:g}")
    return t(f"lesson.{name}.series", lang)


def _records(name: str) -> list[RunRecord]:
    """Return the runs that the URL names; one that does not exist or belongs to something else is said."""
    lang, ids = shell.language(), [one for one in st.query_params.get("run", "").split(",") if one][:4]
    records = []
    for one in ids:
        try:
            record = shell.store().run(one)
        except RNNLabError as error:
            shell.complain(error)
            continue
        if not {record.name, record.based_on} & {*exercises.recipes_of(name)}:
            st.error(t("lesson.exercise.other_run", lang, run=plain(one), name=name), icon=":material/error:")
            continue
        records.append(record)
    shell.parameters(run=",".join(one.id for one in records) or None)
    return records


def _commit(name: str, guess: str) -> None:
    st.session_state[_guess_key(name)] = guess
    lesson_frame.seen().add(name)


def _guess_key(name: str) -> str:
    return f"lessons.guess.{name}"


def _start(name: str) -> None:
    started = []
    try:
        for recipe, config in exercises.plan(name).items():
            same = config == RECIPES[recipe].config
            started.append(
                shell.client().create(
                    config, name=recipe if same else "", based_on="" if same else recipe, language=shell.language()
                )
            )
    except RNNLabError as error:
        st.session_state[_PROBLEM] = error
    if started:
        shell.parameters(run=",".join(started))


def _stop(ids: list[str]) -> None:
    for one in ids:
        try:
            shell.client().stop(one)
        except RNNLabError as error:  # it ended by itself
            st.session_state[_PROBLEM] = error


def _close() -> None:
    shell.parameters(run=None)
