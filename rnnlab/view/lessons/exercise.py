"""The exercises: a guess, then the run (recorded or live), then the result in a sentence."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

import streamlit as st

from rnnlab.errors import RNNLabError
from rnnlab.recipes import RECIPES
from rnnlab.runs.store import RunRecord
from rnnlab.view.data import recorded
from rnnlab.view.data.facts import TextFacts
from rnnlab.view.data.history import History
from rnnlab.view.language.i18n import plain, t, together
from rnnlab.view.language.numbers import number
from rnnlab.view.language.settings import state_text
from rnnlab.view.lessons import charts, progress, sentences, tables
from rnnlab.view.lessons import tuning as lessons_tuning
from rnnlab.view.lessons.address import ADDRESS
from rnnlab.view.lessons.compute import exercises
from rnnlab.view.lessons.compute import tuning as compute_tuning
from rnnlab.view.lessons.compute.exercises import Finding
from rnnlab.view.lessons.compute.truncation import Cost, cost_by_minibatch
from rnnlab.view.lessons.compute.tuning import Tuned
from rnnlab.view.lessons.contents import Lesson
from rnnlab.view.lessons.layout import conclude
from rnnlab.view.page import address, chart, names, session
from rnnlab.view.page.forms import Problems
from rnnlab.view.watch import follow
from rnnlab.view.watch import scenes as watch_scenes
from rnnlab.view.watch.scenes import Scene

_PROBLEMS = Problems("exercise")
# the settings in which each exercise differs from A2
_DIFFER = {"X2": ("clip_norm",), "X3": ("pred_period",), "X4": ("detach",), "X5": ("activation",)}


def draw(lesson: Lesson) -> None:
    """Draw the guesses; after a guess, draw the run."""
    name, lang = lesson.name, session.language()
    exercise = Exercise(name, lessons_tuning.choose() if name == "X1" else "")
    guess = st.session_state.get(exercise.key)
    if guess is None:
        with st.container(horizontal=True):
            for option in exercises.guesses(name, exercise.setting):
                st.button(
                    exercise.words(option),
                    key=f"lesson.guess.{name}.{option}",
                    on_click=_commit,
                    args=(exercise, option),
                )
        st.caption(t("lesson.exercise.first_guess", lang))
        return
    st.markdown(t("lesson.exercise.guessed", lang, guess=exercise.words(guess)))
    _PROBLEMS.show()
    records = _records(exercise)
    if records:
        _live(exercise, records, str(guess))
    else:
        _recorded(exercise, str(guess))


@dataclass(frozen=True)
class Exercise:
    """The exercise that is shown.

    Attributes:
        name: one of X1 to X5.
        setting: the hyperparameter of X1; empty for the others.
    """

    name: str
    setting: str = ""

    @property
    def key(self) -> str:
        """The key of the guess in the session state."""
        return ".".join(filter(None, ("lessons.guess", self.name, self.setting)))

    def words(self, guess: str) -> str:
        """Return a guess in words."""
        lang = session.language()
        if self.setting:
            return sentences.tuned_value(self.setting, compute_tuning.value_of(self.setting, guess), lang)
        return t(f"lesson.{self.name}.guess.{guess}", lang)


def _live(exercise: Exercise, records: list[RunRecord], guess: str) -> None:
    name = exercise.name
    lang = session.language()
    live = [record for record in records if record.live]
    with st.container(horizontal=True, vertical_alignment="center"):
        for record in records:
            label = f"{names.recipe_id(record)} · {state_text(record.state, lang)}"
            st.page_link(
                address.PAGES["train"][0],
                label=label,
                icon=":material/show_chart:",
                query_params={"run": record.id, "lang": lang},
            )
        if session.embedded():
            pass
        elif live:
            st.button(
                t("controls.stop", lang),
                key=f"lesson.stop.{name}",
                icon=":material/stop:",
                on_click=_stop,
                args=([record.id for record in live],),
            )
        elif recorded_runs(exercise):
            st.button(
                t("lesson.exercise.recorded", lang),
                key=f"lesson.close.{name}",
                icon=":material/movie:",
                on_click=_close,
            )

    def show(_: Scene) -> None:
        try:
            scenes = [_scene(session.store().run(record.id)) for record in records]
        except RNNLabError:  # the run was deleted
            st.rerun()
        _reveal(exercise, scenes, guess, f"lesson.live.{name}")

    # follow a run that is training; when it ends, the page runs again and follows the next
    follow.follow(live[0] if live else records[0], show)


def _recorded(exercise: Exercise, guess: str) -> None:
    name, lang = exercise.name, session.language()
    scenes = recorded_runs(exercise)
    with st.container(horizontal=True, vertical_alignment="center"):
        if scenes:
            st.badge(t("lesson.recorded", lang), icon=":material/movie:", color="violet")
        else:
            st.markdown(t("lesson.exercise.not_recorded", lang))
        if not session.embedded():
            st.button(
                t("lesson.exercise.run", lang, count=len(exercises.plan(name, exercise.setting))),
                key=f"lesson.run.{name}",
                icon=":material/play_arrow:",
                type="secondary" if scenes else "primary",
                on_click=_PROBLEMS.guard,
                args=(_start, exercise),
            )
    if scenes:
        _reveal(exercise, scenes, guess, f"lesson.recorded.{name}")


def recorded_runs(exercise: Exercise) -> list[Scene]:
    """Return the recorded runs of an exercise; none unless all of them have been recorded."""
    scenes, lang, theme = [], session.language(), session.theme()
    for name in exercises.recipes_of(exercise.name, exercise.setting):
        recording = recorded.choose_exactly(name)
        if recording is None:
            return []
        scenes.append(watch_scenes.recorded_scene(recording, recording.history.epoch, lang, theme))
    return scenes


def _scene(record: RunRecord) -> Scene:
    return watch_scenes.feed(record.id).scene(record, session.language(), session.theme())


def _reveal(exercise: Exercise, scenes: list[Scene], guess: str, key: str) -> None:
    name, lang, theme = exercise.name, session.language(), session.theme()
    reference = _reference(name, scenes[0])
    result = _finding(exercise, scenes, reference)
    sentence = t("lesson.exercise.waiting", lang)
    if result is not None:
        sentence = sentences.tuned(result, lang) if isinstance(result, Tuned) else sentences.finding(name, result, lang)
    curves: dict[str, History] = {_series(exercise, scene): scene.history for scene in scenes}
    if reference is not None:
        curves[t("lesson.exercise.reference", lang)] = reference
    cost = cost_by_minibatch(scenes[0].history.minibatches) if name == "X4" else None
    epochs = max(scene.config.num_epochs for scene in scenes)
    newest = t("list.join", lang).join(
        f"{label} {number(history.last.perplexity, 4)}" for label, history in curves.items() if history.last is not None
    )
    ended = all(scene.ended for scene in scenes)
    if cost is not None:
        _costs(cost, scenes[0], sentence, key)
    chart.show(
        charts.race(lang, theme, _names(exercise, curves)),
        tables.race(curves, scenes[0].vocab_size, epochs, lang),
        key=f"{key}.race",
        # a text that changes would redraw the chart while it grows
        alt=together(lang, t("lesson.exercise.alt", lang), newest if ended else ""),
    )
    if name == "X3" and scenes[0].history.texts:
        _texts(scenes[0])
    if result is None or not ended:
        st.caption(sentence)
        return
    conclude(sentence)
    if isinstance(result, Tuned):
        lessons_tuning.table(result, scenes)
    if result.came_true is not None:
        verdict = "as_guessed" if result.came_true == guess else "otherwise"
        st.caption(t(f"lesson.exercise.{verdict}", lang, came=exercise.words(result.came_true)))
        st.markdown(t("lesson.exercise.why", lang, why=sentences.why(name, exercise.setting, lang)))
    else:
        st.caption(t("lesson.exercise.unsettled", lang))


def _names(exercise: Exercise, curves: Iterable[str]) -> tuple[str, ...]:
    """Return the names of all curves that the exercise can have, in a fixed order, so that each keeps its colour."""
    lang, setting = session.language(), exercise.setting
    values = [compute_tuning.value_of(setting, guess) for guess in compute_tuning.GRID[setting]] if setting else []
    known = [sentences.tuned_value(setting, value, lang) for value in sorted(values)]
    known += [] if setting else [t(f"lesson.{exercise.name}.series", lang), t("lesson.exercise.reference", lang)]
    return tuple(dict.fromkeys((*known, *curves)))


def _costs(cost: Cost, scene: Scene, sentence: str, key: str) -> None:
    """Show what each minibatch costs, which is what X4 asks."""
    lang = scene.lang
    chart.show(charts.costs(lang, scene.theme), tables.costs(cost), key=f"{key}.costs", alt=sentence)
    st.caption(t("lesson.X4.bars", lang))


def _texts(scene: Scene) -> None:
    """Show the newest text."""
    epoch = scene.history.written()[-1]
    prefix = next(iter(scene.history.texts[epoch]))
    reading = scene.read(epoch, prefix)
    if reading is not None:
        st.html(reading.html)


def _finding(exercise: Exercise, scenes: list[Scene], reference: History | None) -> Finding | Tuned | None:
    name, first = exercise.name, scenes[0]
    if exercise.setting:
        return compute_tuning.tuned(exercise.setting, {_value(exercise, scene): scene.history for scene in scenes})
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
    """Return the recorded A2 if it differs from the run only in the setting of the exercise."""
    recording = recorded.choose_exactly("A2")
    if (
        recording is None
        or name not in _DIFFER
        or not exercises.comparable(scene.config, recording.config, _DIFFER[name])
    ):
        return None
    return recording.history.until(max(scene.config.num_epochs, 1))


def _value(exercise: Exercise, scene: Scene) -> float:
    # without clipping there is no threshold
    return float(getattr(scene.config, exercise.setting) or 0.0)


def _series(exercise: Exercise, scene: Scene) -> str:
    lang = session.language()
    if exercise.setting:
        return sentences.tuned_value(exercise.setting, _value(exercise, scene), lang)
    return t(f"lesson.{exercise.name}.series", lang)


def _records(exercise: Exercise) -> list[RunRecord]:
    """Return the runs in the URL; report those that do not exist or belong to another exercise."""
    name = exercise.name
    lang, ids = session.language(), [run_id for run_id in ADDRESS.get("run").split(",") if run_id][:4]
    records = []
    for run_id in ids:
        try:
            record = session.store().run(run_id)
        except RNNLabError as error:
            session.show_error(error)
            continue
        if not {record.name, record.based_on} & {*exercises.recipes_of(name, exercise.setting)}:
            st.error(t("lesson.exercise.other_run", lang, run=plain(run_id), name=name), icon=":material/error:")
            continue
        records.append(record)
    ADDRESS.write(run=",".join(record.id for record in records) or None)
    return records


def _commit(exercise: Exercise, guess: str) -> None:
    st.session_state[exercise.key] = guess
    progress.seen().add(exercise.name)


def _start(exercise: Exercise) -> None:
    started, batch = list[str](), secrets.token_hex(8)
    try:
        for recipe, config in exercises.plan(exercise.name, exercise.setting).items():
            same = config == RECIPES[recipe].config
            names = {"name": recipe if same else "", "based_on": "" if same else recipe}
            started.append(session.start_run(config, **names, batch=batch))
    finally:  # of several, those that were started go on where the next one is refused
        if started:
            ADDRESS.write(run=",".join(started))


def _stop(ids: list[str]) -> None:
    for run_id in ids:
        _PROBLEMS.guard(session.client().stop, run_id)  # it may have ended by itself


def _close() -> None:
    ADDRESS.write(run=None)
