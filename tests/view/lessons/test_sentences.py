"""The closing sentences of the lessons: each where it is true, and the alternative where it is not."""

from __future__ import annotations

import numpy as np
import pytest

from rnnlab.config import TrainConfig
from rnnlab.view.data import recorded
from rnnlab.view.language.i18n import LANGUAGES
from rnnlab.view.language.numbers import number
from rnnlab.view.lessons import sentences
from rnnlab.view.lessons.compute import cells, depth, directions, sampling, shapes
from rnnlab.view.lessons.compute.depth import Descent
from rnnlab.view.lessons.compute.markov import HeldOut

# sampling: six windows of five characters, two rows


def continuing(order: list[int], batch_size: int = 2) -> dict[str, int]:
    """The number of rows of the second minibatch that continue the first, for this order of the windows."""
    dealt = {
        "consecutive": sampling.consecutive_positions(31, batch_size, 5),
        "random": sampling.random_positions(31, batch_size, 5, np.array(order)),
    }
    return {name: sampling.rows_that_continue(positions, 1) for name, positions in dealt.items()}


GOES_ON = {
    "en": {
        "all": ("Consecutive: each of the 2 rows of minibatch 2 continues", "can be carried on"),
        "some": ("Random: by chance 1 of 2 rows of minibatch 2 continue", "starts from zero"),
        "none": ("Random: none of the 2 rows of minibatch 2 continues", "has to start from zero"),
    },
    "zh": {
        "all": ("相邻采样：第 2 个小批量的 2 行全都接着", "状态可以接着用"),
        "some": ("随机采样：2 行中碰巧有 1 行接上了（第 2 个小批量）", "状态仍要从零开始"),
        "none": ("随机采样：第 2 个小批量的 2 行没有一行接得上", "状态必须从零开始"),
    },
}


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    ("order", "kind"),
    [([0, 1, 2, 3, 4, 5], "none"), ([0, 3, 5, 1, 2, 4], "none"), ([0, 2, 1, 5, 3, 4], "some")],
)
def test_rows_go_on_where_their_positions_do(order: list[int], kind: str, lang: str) -> None:
    sentence = sentences.sampling(continuing(order), 2, 2, lang)
    for part in (*GOES_ON[lang]["all"], *GOES_ON[lang][kind]):
        assert part in sentence
    other = "some" if kind == "none" else "none"
    assert GOES_ON[lang][other][0] not in sentence


@pytest.mark.parametrize("lang", LANGUAGES)
def test_random_rows_that_all_go_on_do_so_by_chance(lang: str) -> None:
    continued = continuing([0, 2, 1, 3, 4, 5])
    assert continued == {"consecutive": 2, "random": 2}
    sentence = sentences.sampling(continued, 2, 2, lang)
    assert {"en": "Random: by chance each of the 2 rows", "zh": "随机采样这次碰巧 2 行都接上了"}[lang] in sentence
    assert GOES_ON[lang]["none"][0] not in sentence


@pytest.mark.parametrize("lang", LANGUAGES)
def test_consecutive_rows_that_do_not_go_on_are_not_said_to(lang: str) -> None:
    broken = sentences.sampling({"consecutive": 0, "random": 0}, 2, 2, lang)
    assert GOES_ON[lang]["all"][0] not in broken
    assert {"en": "Consecutive: none of the 2 rows", "zh": "相邻采样：第 2 个小批量的 2 行没有一行接得上"}[
        lang
    ] in broken
    half = sentences.sampling({"consecutive": 1, "random": 0}, 2, 2, lang)
    assert {"en": "Consecutive: 1 of 2 rows", "zh": "相邻采样：第 2 个小批量的 2 行中有 1 行"}[lang] in half


@pytest.mark.parametrize("lang", LANGUAGES)
def test_before_the_first_minibatch_there_is_nothing(lang: str) -> None:
    nothing = {"en": "Nothing comes before", "zh": "之前什么也没有"}[lang]
    assert nothing in sentences.sampling({"consecutive": 0, "random": 0}, 2, 1, lang)
    assert nothing not in sentences.sampling({"consecutive": 2, "random": 0}, 2, 2, lang)


# shapes


def shape_sentence(cell: str, other: str, lang: str, num_layers: int = 1, bidirectional: bool = False) -> str:
    config = TrainConfig.make(cell=cell, num_hiddens=4, num_layers=num_layers, bidirectional=bidirectional)
    counts = [shapes.num_parameters(config.change(cell=name), 10) for name in (cell, other)]
    return sentences.shape_sentence(counts[0], counts[1], cell, other, num_layers, 1 + bidirectional, lang)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_another_cell_has_the_parameters_and_the_state_that_are_said(lang: str) -> None:
    # by hand: 10·4 + 4·4 + 4 in a block, 4·10 + 10 in the output layer
    rnn, lstm = 60 + 50, 4 * 60 + 50
    sentence = shape_sentence("rnn", "lstm", lang)
    for part in (f" {rnn} ", f" {lstm}", f"{lstm / rnn:.2f}", "(H, C)", "1 × 1 = 1"):
        assert part in sentence
    assert {"en": "in each layer of an LSTM: 4)", "zh": "LSTM 每层有 4 组权重"}[lang] in sentence
    back = shape_sentence("lstm", "rnn", lang)
    assert f"{rnn / lstm:.2f}" in back
    assert {"en": "in each layer of an RNN: 1)", "zh": "RNN 每层有 1 组权重"}[lang] in back
    assert "(H, C)" not in back
    assert {"en": "without the memory cell C", "zh": "没有记忆细胞 C"}[lang] in back
    assert {"en": "without the memory cell C", "zh": "没有记忆细胞 C"}[lang] not in sentence


@pytest.mark.parametrize("lang", LANGUAGES)
def test_depth_and_direction_stand_in_the_first_axis(lang: str) -> None:
    sentence = shape_sentence("rnn", "lstm", lang, num_layers=3, bidirectional=True)
    assert "3 × 2 = 6" in sentence
    assert "3 × 2 = 6" not in shape_sentence("rnn", "lstm", lang, num_layers=3)


# a step of a cell

FATE = {
    "en": {"kept": "it remembers", "fading": "it is fading", "gone": "it has forgotten", None: "nothing to remember"},
    "zh": {"kept": "还记得", "fading": "正在淡忘", "gone": "忘光了", None: "没有什么可记"},
}


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    ("left", "fate", "share"),
    [(1.0, "kept", "100%"), (0.5, "kept", "50%"), (0.49, "fading", "49%"), (0.05, "fading", "5%"),
     (0.04, "gone", "4%"), (0.0, "gone", "0%"), (None, None, "")],
)  # fmt: skip
def test_what_is_left_of_a_state_decides_what_is_said(
    left: float | None, fate: str | None, share: str, lang: str
) -> None:
    sentence = sentences.cell("gru", np.array([0.9, 0.25]), np.zeros(2), np.ones(2), left, 10, lang)
    assert share in sentence
    assert {"en": "90%, 25%", "zh": "90%、25%"}[lang] in sentence
    assert [name for name, part in FATE[lang].items() if part in sentence] == [fate]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("bias", "fate"), [(8.0, "kept"), (-8.0, "gone")])
def test_a_gate_that_is_pushed_open_keeps_and_one_that_is_pushed_shut_does_not(
    bias: float, fate: str, lang: str
) -> None:
    w = {**cells.weights("gru", seed=0), "b_z": np.full(2, bias)}
    state, zero = (np.array([0.9, -0.9]),), (np.zeros(2),)
    paths = [cells.path("gru", np.zeros(2), initial, w, 10) for initial in (state, zero)]
    steps = cells.walk("gru", np.zeros(2), state, w)
    gate = next(step.value for step in steps if step.name == "Z")
    after = cells.take("gru", np.zeros(2), state, w)[0][0]
    sentence = sentences.cell("gru", gate, state[0], after, cells.memory_left(*paths), 10, lang)
    assert FATE[lang][fate] in sentence
    assert ("100%" if bias > 0 else "0%") in sentence


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_cell_without_a_gate_tells_its_state(lang: str) -> None:
    sentence = sentences.cell("rnn", None, np.array([0.3, -0.2]), np.array([0.5, 0.125]), None, 10, lang)
    assert "(0.30, −0.20)" in sentence
    assert "(0.50, 0.12)" in sentence
    assert "%" not in sentence


# the table of lesson 1 on held-out text


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    ("size", "kind"),
    [(0, "more"), (1, "best"), (2, "too_far")],
)
def test_held_out_text_tells_when_looking_back_further_only_memorises(size: int, kind: str, lang: str) -> None:
    found = HeldOut((16.4, 9.3, 11.1), (0.0, 0.03, 0.25), 7)
    sentence = sentences.held_out(found, 5.276, size, lang)
    for part in ("5.276", number(found.perplexities[size]), f"{found.unseen[size]:.0%}"):
        assert part in sentence
    words = {
        "en": {"best": "the lowest of all", "too_far": "only memorises", "more": "the lowest is 9.3, looking back 1."},
        "zh": {"best": "已是最低", "too_far": "背下来", "more": "；回看 1 个时最低"},
    }[lang]
    assert [name for name, part in words.items() if part in sentence] == [kind]
    assert "11" not in sentences.held_out(None, 5.276, size, lang)


# depth

DOWN = {
    "en": {
        "dies": "below it is 0", "vanishes": "it vanishes", "shrinks": "still arrives", "arrives": "factor of only",
        "grows": "is there even", "silent": "no gradient reaches any",
    },
    "zh": {
        "dies": "再往下的", "vanishes": "消失了", "shrinks": "还传得到", "arrives": "只缩小到", "grows": "反而是",
        "silent": "的梯度全是 0",
    },
}  # fmt: skip


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    ("norms", "kind", "numbers"),
    [
        (
            (0.0, 0.0, 1e-7, 0.1),
            "dies",
            {"en": ["1000000", "2 layers", "layer 3"], "zh": ["1000000", "2 层", "第 3 层"]},
        ),
        ((1e-6, 1e-2, 0.1), "vanishes", {"en": ["layer 3", "layer 1"], "zh": ["第 3 层到第 1 层"]}),
        ((1e-3, 1e-2, 0.1), "shrinks", {"en": ["factor of 100"], "zh": ["100 分之一"]}),
        ((0.05, 0.1, 0.1), "arrives", {"en": ["only 2"], "zh": ["2 分之一"]}),
        ((0.4, 0.1, 0.1), "grows", {"en": ["4 times", "layer 1"], "zh": ["4 倍", "第 1 层"]}),
        ((0.0, 0.0), "silent", {"en": ["2 recurrent layers"], "zh": ["2 个循环层"]}),
    ],
)
def test_the_way_of_a_gradient_is_said_as_it_is(
    norms: tuple[float, ...], kind: str, numbers: dict[str, list[str]], lang: str
) -> None:
    sentence = sentences.depth("A9", Descent(norms), 7, lang)
    assert "A9" in sentence
    assert "7" in sentence
    assert [name for name, part in DOWN[lang].items() if part in sentence] == [kind]
    for part in numbers[lang]:
        # a ratio of a million is written in full or with a power of ten
        assert part in sentence or (part == "1000000" and ("1,000,000" in sentence or "10⁶" in sentence)), sentence


@pytest.mark.parametrize("lang", LANGUAGES)
def test_two_layers_pass_the_gradient_on_and_six_do_not(lang: str) -> None:
    """On the recorded runs of the lesson."""
    texts = {}
    for name in ("A8", "A9"):
        last = recorded.recording(name).history.last
        assert last is not None
        texts[name] = sentences.depth(name, depth.descent(last), last.epoch, lang)
    lost = {DOWN[lang]["dies"], DOWN[lang]["vanishes"], DOWN[lang]["silent"]}
    assert not [part for part in lost if part in texts["A8"]]
    assert [part for part in lost if part in texts["A9"]]


# both directions


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("reading", "sees"), [("both", True), ("forward", False), ("cloze", False)])
def test_what_moves_the_prediction_has_been_read(reading: directions.Reading, sees: bool, lang: str) -> None:
    text = "sing it"
    sentence = sentences.directions(text[4], directions.leak(len(text), 4, reading), lang)
    assert "“␣”" in sentence
    can, cannot = {"en": ("it can see", "it cannot see"), "zh": ("它看得到答案", "它看不到答案")}[lang]
    assert (can in sentence, cannot in sentence) == (sees, not sees)
    assert {"en": "has not been read", "zh": "没有被读到"}[lang] in sentence or sees
    if not sees:
        assert {"en": "change by 0:", "zh": "变了 0："}[lang] in sentence


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_loop_is_said_where_there_is_one(lang: str) -> None:
    loop = {"en": "a loop of period 2", "zh": "每 2 个字符一循环"}[lang]
    none = {"en": "does not end in a loop", "zh": "没有陷入循环"}[lang]
    looped = sentences.written(1.0002, 160, "分开", "分开" + "天地" * 12, lang)
    assert loop in looped
    assert none not in looped
    assert "1.0002" in looped
    assert "“分开天地天地" in looped
    free = sentences.written(1.0002, 160, "分开", "分开天上的星星不说话地上的人在等待", lang)
    assert none in free
    assert loop not in free
    # the prefix is not part of the generated text
    assert none in sentences.written(None, 1, "分开" * 12, "分开" * 12 + "天上的星", lang)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_recorded_bidirectional_network_ends_in_a_loop(lang: str) -> None:
    history = recorded.recording("A10").history
    epoch = history.written()[-1]
    prefix, text = next(iter(history.texts[epoch].items()))
    assert history.last is not None
    sentence = sentences.written(history.last.perplexity, epoch, prefix, text, lang)
    assert {"en": "is a loop of period", "zh": "个字符一循环"}[lang] in sentence
