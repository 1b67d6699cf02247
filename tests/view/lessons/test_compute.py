"""The computations of the lessons, against the engine and hand-computed numbers, and where a claim is not true."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
import torch

from rnnlab.cells import CELLS
from rnnlab.config import TrainConfig
from rnnlab.engine.cells import Cell
from rnnlab.engine.minibatch import consecutive_minibatches, random_minibatches
from rnnlab.engine.model import LanguageModel, num_parameters
from rnnlab.errors import RNNLabError
from rnnlab.events import EpochFinished, MinibatchFinished
from rnnlab.view.language.i18n import LANGUAGES, error_text, has, t
from rnnlab.view.lessons import contents, tables
from rnnlab.view.lessons.compute import (
    cells,
    clipping,
    depth,
    directions,
    markov,
    one_hot,
    perplexity,
    sampling,
    shapes,
    truncation,
)
from tests.made import epoch

# contents


def test_the_lessons_stand_in_the_books_order() -> None:
    order = [tuple(int(part) for part in entry.section.split(".")) for entry in contents.LESSONS]
    assert order == sorted(order)
    assert len(contents.LESSONS) == 16
    assert [entry.name for entry in contents.EXERCISES] == ["X1", "X2", "X3", "X4", "X5"]


def test_a_lesson_is_found_by_its_name_and_an_unknown_one_is_refused() -> None:
    assert contents.find(" One-Hot ").name == "one-hot"
    with pytest.raises(RNNLabError) as caught:
        contents.find("two-hot")
    for lang in LANGUAGES:
        sentence = error_text(caught.value, lang)
        assert "two-hot" in sentence
        assert "one-hot" in sentence


def test_previous_and_next_walk_through_all_of_them() -> None:
    walked, at = [contents.ALL[0]], contents.neighbours(contents.ALL[0])[1]
    assert contents.neighbours(contents.ALL[0])[0] is None
    while at is not None:
        before, after = contents.neighbours(at)
        assert before == walked[-1]
        walked.append(at)
        at = after
    assert tuple(walked) == contents.ALL


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_lesson_has_its_words(lang: str) -> None:
    for entry in contents.ALL:
        for part in ("title", "lead", "try"):
            assert has(f"{entry.key}.{part}", lang), (entry.name, part)
        # the lead is one sentence
        assert len(t(f"{entry.key}.title", lang)) < 60


# the Markov assumption


def test_what_follows_is_counted_also_where_it_overlaps() -> None:
    assert markov.continuations("aaab", "aa") == [("a", 1), ("b", 1)]
    assert markov.continuations("abcabd", "ab") == [("c", 1), ("d", 1)]
    assert markov.continuations("abab", "b") == [("a", 1)]  # nothing follows the last character
    assert markov.continuations("abab", "x") == []
    assert markov.continuations("aab", "") == [("a", 2), ("b", 1)]


def test_the_table_of_contexts() -> None:
    assert markov.table("abac", 1) == markov.Table(3, 2, 0.5)  # a: b or c; b: a
    assert markov.table("abac", 2).possible == 9
    assert markov.table("a", 5) == markov.Table(1, 0, 0.0)


def test_what_is_drawn_stands_in_the_table() -> None:
    text = "abcabdabe" * 3
    for size in (0, 1, 3):
        written = markov.draw(text, size, 60, seed=4)
        assert len(written) == 60
        assert written == markov.draw(text, size, 60, seed=4)
        assert written != markov.draw(text, size, 60, seed=5)
    # only pairs of the text, except where generation started again at the end
    pairs = {text[i : i + 2] for i in range(len(text) - 1)}
    written = markov.draw(text + "a", 1, 300, seed=1)
    assert all(written[i : i + 2] in pairs for i in range(len(written) - 1))


def test_the_most_frequent_contexts_have_no_blanks_first() -> None:
    assert markov.frequent_contexts("a a a bb bb bb bb", 2, 1) == ["bb"]


# the shapes


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("implementation", ["scratch", "library"])
@pytest.mark.parametrize(("num_layers", "bidirectional"), [(1, False), (3, False), (2, True)])
def test_shapes_and_parameters_are_the_engines(
    cell: str, implementation: str, num_layers: int, bidirectional: bool
) -> None:
    config = TrainConfig.make(
        cell=cell, implementation=implementation, num_layers=num_layers, bidirectional=bidirectional,
        num_hiddens=5, batch_size=3, num_steps=4,
    )  # fmt: skip
    model = LanguageModel(config, 7)
    ours = {tensor.role: tensor.shape for tensor in shapes.tensors(config, 7)}
    x = torch.zeros(ours["minibatch"], dtype=torch.long)
    state = model.begin_state(3)
    outputs, last = model.recurrent(x.t(), state)
    logits, _ = model(x, state)
    loss, _ = model.loss(x, torch.zeros(ours["targets"], dtype=torch.long), state)
    assert tuple(torch.nn.functional.one_hot(x.t(), 7).shape) == ours["one_hot"]
    assert tuple(outputs.shape) == ours["outputs"]
    assert tuple(logits.shape) == ours["logits"]
    assert tuple(loss.shape) == ours["loss"]
    assert [tuple(tensor.shape) for tensor in last] == [ours[role] for role in ("state", "memory") if role in ours]
    assert len(last) == (2 if cell == "lstm" else 1)
    assert shapes.num_parameters(config, 7) == num_parameters(model.parameters())
    # weight by weight; the engine keeps the output layer transposed
    real = sorted(tuple(weight.shape) for layer in model.layer_parameters()[:-1] for weight in layer)
    assert sorted(weight.shape for weight in shapes.weights(config, 7) if weight.layer) == real


# one-hot


def test_the_product_is_the_row() -> None:
    lookup = one_hot.look_up(2, one_hot.matrix(5, 3, seed=1))
    assert lookup.same
    assert (lookup.multiplications, lookup.by_zero) == (15, 12)
    assert lookup.looked_up.tolist() == one_hot.matrix(5, 3, seed=1)[2].tolist()
    assert not one_hot.LookUp(lookup.row, lookup.matrix, lookup.product + 1, lookup.looked_up).same


# sampling


@pytest.mark.parametrize(("length", "batch_size", "num_steps"), [(30, 2, 6), (100, 3, 7), (61, 4, 5), (9, 2, 6)])
def test_positions_are_the_engines(length: int, batch_size: int, num_steps: int) -> None:
    text = torch.arange(length)
    ours = sampling.consecutive_positions(length, batch_size, num_steps)
    real = [X.tolist() for X, _ in consecutive_minibatches(text, batch_size, num_steps)]
    assert ours.tolist() == real
    order = torch.randperm(sampling.num_windows(length, num_steps), generator=torch.Generator().manual_seed(3)).numpy()
    ours = sampling.random_positions(length, batch_size, num_steps, order)
    dealt = random_minibatches(text, batch_size, num_steps, torch.Generator().manual_seed(3))
    assert ours.tolist() == [X.tolist() for X, _ in dealt]


def test_rows_continue_with_consecutive_sampling_only() -> None:
    consecutive = sampling.consecutive_positions(60, 2, 6)
    assert [sampling.rows_that_continue(consecutive, m) for m in range(len(consecutive))] == [0, 2, 2, 2]
    shuffled = sampling.random_positions(60, 2, 6, np.array([0, 5, 3, 1, 4, 7, 8, 2, 6]))
    assert [sampling.rows_that_continue(shuffled, m) for m in range(len(shuffled))] == [0, 0, 1, 0]
    assert sampling.left_out(consecutive, 60) == 12


# perplexity


def test_the_three_cases() -> None:
    assert perplexity.answer("certain", 1027) == ("one", 1.0)
    assert perplexity.answer("wrong", 1027) == ("infinite", None)
    which, value = perplexity.answer("blind", 1027)
    assert which == "vocabulary"
    assert value == pytest.approx(1027)
    assert perplexity.perplexity([0.5, 0.25]) == pytest.approx(math.sqrt(8))


def test_where_a_perplexity_stands() -> None:
    texts = [perplexity.kind(value, 10) for value in (None, 1.0, 3.0, 10.0, 25.0)]
    assert texts == ["infinite", "perfect", "better", "blind", "worse"]


# truncation


def test_how_far_a_gradient_walks() -> None:
    assert list(truncation.reach(3, 4, detach=True)) == [8, 9, 10, 11]
    assert list(truncation.reach(3, 4, detach=False)) == list(range(12))
    assert truncation.steps_walked(3, 35, detach=True) == [35, 35, 35]
    assert truncation.steps_walked(3, 35, detach=False) == [35, 70, 105]


def _minibatch(epoch: int, number: int, seconds: float, memory: float | None = None) -> MinibatchFinished:
    return MinibatchFinished(
        epoch=epoch, minibatch=number, num_minibatches=3, loss=1.0, grad_norm=1.0, clipped=True, seconds=seconds,
        memory_mb=memory,
    )  # fmt: skip


def test_cost_by_minibatch_is_the_median_over_the_epochs() -> None:
    events = [_minibatch(e, m, m * 0.01 * (9 if e == 3 else 1), 100 + 10 * m) for e in (1, 2, 3) for m in (1, 2, 3)]
    cost = truncation.cost_by_minibatch(events)
    assert cost is not None
    assert cost.minibatches == (1, 2, 3)
    assert cost.seconds == pytest.approx((0.01, 0.02, 0.03))
    assert cost.seconds_grow == pytest.approx(3)
    assert cost.memory_grows == 20
    assert truncation.cost_by_minibatch(events[:1]) is None
    flat = truncation.cost_by_minibatch([_minibatch(1, m, 0.01) for m in (1, 2)])
    assert flat is not None
    assert flat.seconds_grow == 1
    assert flat.memory_grows is None


# clipping


def test_a_clipped_step_with_the_books_numbers_has_length_one() -> None:
    step = clipping.clip((3.0, -4.0), theta=0.01, learning_rate=100.0)
    assert step.is_clipped
    assert step.step_length == pytest.approx(1.0)
    assert np.linalg.norm(step.clipped) == pytest.approx(0.01)
    assert step.clipped == pytest.approx(step.gradient * 0.002)  # the direction stays
    short = clipping.clip((0.003, 0.004), theta=0.01, learning_rate=100.0)
    assert not short.is_clipped
    assert short.step_length == pytest.approx(0.5)
    assert clipping.clip((0.0, 0.0), 1.0, 1.0).step_length == 0


# the cells


@pytest.mark.parametrize(("cell", "activation"), [("rnn", "tanh"), ("rnn", "relu"), ("gru", "tanh"), ("lstm", "tanh")])
def test_a_walk_equals_the_engines_cell(cell: str, activation: str) -> None:
    chance = np.random.default_rng(7)
    w = cells.weights(cell, num_inputs=3, num_hiddens=2, seed=5)
    real = Cell(CELLS[cell], 3, 2, activation)  # type: ignore[arg-type]
    with torch.no_grad():
        for name, kind in (("W_x", "W_x"), ("W_h", "W_h"), ("b", "b_")):
            blocks = [w[f"{kind}{gate}"] for gate in CELLS[cell].letters]
            getattr(real, name).data = torch.tensor(np.concatenate(blocks, axis=-1))
    x, state = chance.normal(size=3), tuple(chance.normal(size=2) for _ in CELLS[cell].states)
    with torch.no_grad():
        _, expected = real(torch.tensor(x)[None, None], tuple(torch.tensor(part)[None] for part in state))
    steps = cells.walk(cell, x, state, w, activation)
    shown = {step.name: step.value for step in steps}
    after, _ = cells.take(cell, x, state, w, activation)
    for letter, ours, theirs in zip(CELLS[cell].states, after, expected, strict=True):
        assert ours == pytest.approx(theirs[0].numpy(), abs=1e-12)
        assert shown[letter] == pytest.approx(ours)
    assert tuple(step.equation for step in steps) == CELLS[cell].latex
    for step in steps:  # the last value written is the result
        assert step.lines[-1].endswith(cells.row(step.value)), step


def test_the_update_gate_keeps_the_old_state_as_the_book_has_it() -> None:
    w = cells.weights("gru", seed=0)
    state = (np.array([0.9, -0.9]),)
    for bias, kept in ((50.0, True), (-50.0, False)):
        steps = cells.walk("gru", np.array([1.0, 0.0]), state, {**w, "b_z": np.full(2, bias)})
        found = {step.name: step.value for step in steps}
        assert found["H"] == pytest.approx(state[0] if kept else found["H_tilde"])


def test_a_path_goes_on_without_input() -> None:
    w = cells.weights("rnn", seed=0)
    states = cells.path("rnn", np.array([1.0, 0.5]), (np.zeros(2),), w, 3)
    assert len(states) == 5
    last = cells.walk("rnn", np.zeros(2), states[-2], w)[0].value
    assert states[-1][0] == pytest.approx(last)


def test_numbers_are_written_without_a_negative_zero() -> None:
    assert [cells.number(value) for value in (-0.001, 0.0, -0.125, 2.0)] == ["0.00", "0.00", "-0.12", "2.00"]
    assert cells.row(np.array([1.0, -0.5])) == r"[{1.00}\;{-0.50}]"


# depth


def _epoch(norms: tuple[float, ...], number: int = 1) -> EpochFinished:
    return epoch(number, grad_norm_by_layer=norms)


@pytest.mark.parametrize(
    ("norms", "kind", "ratio"),
    [
        ((0.0, 0.0, 1e-8, 1e-2, 0.3), "dies", 1e6),
        ((1e-6, 1e-2, 0.3), "vanishes", 1e4),
        ((1e-3, 1e-2, 0.3), "shrinks", 10),
        ((0.02, 0.01, 0.3), "arrives", 0.5),
        ((0.0, 0.0, 0.3), "dies", None),
    ],
)
def test_what_happens_to_a_gradient_on_its_way_down(norms: tuple[float, ...], kind: str, ratio: float | None) -> None:
    descent = depth.descent(_epoch(norms))
    assert descent.kind == kind
    assert descent.ratio == (None if ratio is None else pytest.approx(ratio))
    assert descent.dead == norms[:-1].count(0.0)


def test_epochs_to_choose_from_are_those_with_norms() -> None:
    epochs = [_epoch((0.1, 0.2), number) for number in range(1, 31)]
    assert depth.spread(epochs) == [1, 2, 3, 5, 10, 20, 30]
    assert depth.spread([]) == []


# both directions


@pytest.mark.parametrize("target", range(1, 7))
def test_what_has_been_read_is_what_moves_the_prediction(target: int) -> None:
    """The picture and the small network agree for all positions and directions."""
    for reading in directions.READINGS:
        moved = directions.leak(6, target, reading)
        assert (moved > 0) == directions.reads_the_answer(6, target, reading), (reading, target)


def test_only_the_next_character_in_both_directions_leaks() -> None:
    assert directions.reads_the_answer(6, 3, "both")
    assert not directions.reads_the_answer(6, 6, "both")  # just outside the window
    assert not directions.reads_the_answer(6, 3, "cloze")
    assert directions.seen(5, 2, "cloze") == ["forward", "forward", "none", "backward", "backward"]
    assert directions.seen(5, 2, "forward") == ["forward", "forward", "none", "none", "none"]
    assert directions.seen(5, 2, "both") == ["forward", "both", "backward", "backward", "backward"]


@pytest.mark.parametrize("bias", [-6.0, 0.0, 6.0])
def test_no_more_than_everything_is_left(bias: float) -> None:
    """The numbers with which the LSTM's lesson begins: at a bias of 6 the difference grows after the first step."""
    w = cells.weights("lstm", seed=0)
    w["b_f"] = w["b_f"] + bias
    state, zero = (np.array([0.3, -0.2]), np.array([0.5, -0.4])), (np.zeros(2), np.zeros(2))
    read = cells.path("lstm", np.array([1.0, -0.5]), state, w, 10)
    blank = cells.path("lstm", np.zeros(2), zero, w, 10)
    left = cells.memory_left(read, blank, 1)
    gaps = [math.dist(one[1], other[1]) for one, other in zip(read, blank, strict=True)][1:]
    assert left == pytest.approx(gaps[-1] / max(gaps))
    assert left is not None
    assert 0 <= left <= 1
    assert (gaps[-1] > gaps[0]) == (bias == 6.0)


def test_both_networks_are_drawn_with_the_gap_between_them() -> None:
    w = cells.weights("lstm", seed=0)
    zero = (np.zeros(2), np.zeros(2))
    read = cells.path("lstm", np.array([1.0, -0.5]), (np.array([0.3, -0.2]), np.array([0.5, -0.4])), w, 4)
    blank = cells.path("lstm", np.zeros(2), zero, w, 4)
    drawn = {
        name: pa.ipc.open_stream(table).read_all().to_pylist()
        for name, table in tables.path(read, blank, 1, "en").items()
    }
    assert {row["kind"] for row in drawn["path"]} == {"has read the input", "has read nothing"}
    for row in drawn["path"]:
        path = read if row["kind"] == "has read the input" else blank
        assert row["value"] == path[int(row["step"])][1][int(row["unit"][-1]) - 1]
    assert len(drawn["path"]) == 2 * 2 * len(read)
    for row in drawn["gap"]:
        at, unit = int(row["step"]), int(row["unit"][-1]) - 1
        assert (row["value"], row["idle"]) == (read[at][1][unit], blank[at][1][unit])


def test_what_the_biases_hold_up_is_no_memory() -> None:
    w = cells.weights("rnn", seed=0)
    zero = (np.zeros(2),)
    blank = cells.path("rnn", np.zeros(2), zero, w, 6)
    assert cells.memory_left(blank, blank) is None
    gru = {**cells.weights("gru", seed=0)}
    start = (np.array([0.9, -0.9]),)
    for bias, remembers in ((8.0, True), (-8.0, False)):
        leaning = {**gru, "b_z": np.full(2, bias)}
        paths = [cells.path("gru", np.zeros(2), state, leaning, 10) for state in (start, zero)]
        left = cells.memory_left(paths[0], paths[1])
        assert left is not None
        assert (left > 0.5) == remembers
