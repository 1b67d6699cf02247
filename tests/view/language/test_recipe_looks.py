"""The claims on "what to look for" in an experiment, each checked on its recorded run."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from itertools import groupby

import pytest

from rnnlab.recipes import RECIPES
from rnnlab.view.data import recorded
from rnnlab.view.data.facts import FactBook, Reading
from rnnlab.view.data.history import History
from rnnlab.view.language.i18n import LANGUAGES, has
from rnnlab.view.language.settings import look_for

BOOK = FactBook(lambda _: None)


def history(name: str) -> History:
    return recorded.recording(name).history


@cache
def curve(name: str) -> list[float]:
    """The perplexity of a recorded run by epoch."""
    return [math.inf if event.perplexity is None else event.perplexity for event in history(name).epochs]


@cache
def line(name: str, order: int) -> float:
    """A reference line of the text of a run: 1 is the unigram perplexity, 2 the bigram perplexity."""
    return recorded.recording(name).ladder[order]


def below(name: str, value: float) -> float:
    """The first epoch (from 1) with a perplexity below `value`."""
    return next((epoch for epoch, perplexity in enumerate(curve(name), 1) if perplexity < value), math.inf)


def end(name: str) -> float:
    return curve(name)[-1]


@cache
def readings(name: str, epoch: int) -> list[Reading]:
    """The quotes, loops and blanks in the texts of a run after an epoch."""
    facts = BOOK.of(recorded.recording(name).config)
    return [facts.read(text, prefix, "en") for prefix, text in history(name).texts[epoch].items()]


def copied(name: str, epoch: int) -> float:
    """The share of the texts of a run after an epoch that is copied."""
    texts = readings(name, epoch)
    return sum(reading.coverage for reading in texts) / len(texts)


def first_copy(name: str) -> float:
    """The first epoch after which any generated text is copied."""
    return next((epoch for epoch in history(name).written() if copied(name, epoch)), math.inf)


def common(name: str, epoch: int) -> float:
    """The share of the twelve most frequent characters in the texts of a run after an epoch."""
    frequent = {character for character, _ in BOOK.of(recorded.recording(name).config).frequent}
    written = "".join(text[len(prefix) :] for prefix, text in history(name).texts[epoch].items())
    return sum(character in frequent for character in written) / len(written)


def clipped(name: str) -> list[float]:
    return [event.clipped_share for event in history(name).epochs]


def layers(name: str, epoch: int) -> tuple[float, ...]:
    """The gradient norms of the recurrent layers in an epoch, the lowest layer first."""
    event = history(name).at(epoch)
    assert event is not None
    return event.grad_norm_by_layer[:-1]


def plateau(name: str) -> int:
    """The largest number of consecutive epochs within 5 % of the unigram perplexity."""
    near = (abs(perplexity / line(name, 1) - 1) < 0.05 for perplexity in curve(name))
    return max((len(list(run)) for at, run in groupby(near) if at), default=0)


def differs(name: str, other: str) -> set[str]:
    return set(RECIPES[name].config.changes_from(RECIPES[other].config))


def untrained(name: str) -> bool:
    return not curve(name) and history(name).written() == [0]


@cache
def held_out(name: str) -> dict[int, float]:
    """The perplexity of a recorded run on held-out text, by epoch."""
    return {event.epoch: event.held_out_perplexity for event in history(name).epochs if event.held_out_perplexity}


def lowest(name: str) -> int:
    """The epoch with the lowest perplexity on held-out text."""
    return min(held_out(name), key=held_out(name).__getitem__)


def alike(name: str, other: str) -> bool:
    """Whether the lowest perplexities of two runs on held-out text differ by less than 5 %."""
    return abs(held_out(name)[lowest(name)] / held_out(other)[lowest(other)] - 1) < 0.05


Claim = tuple[str, str, str, Callable[[], bool]]

# recipe, the words of the claim in both languages, and the condition on the recordings
CLAIMS: list[Claim] = [
    ("A1", "falls from uniform guessing to the unigram line", "从均匀猜测降到一元参考线",
     lambda: curve("A1")[0] > 2 * line("A1", 1) and below("A1", line("A1", 1)) < 50),
    # X3 is A2 with texts after every epoch
    ("A1", "almost only the most common characters", "几乎都是最常见的字符",
     lambda: common("X3", int(below("X3", line("X3", 1)))) > 0.75),
    ("A1", "On the way from there to the bigram line the first words appear",
     "从这里到二元线的路上，它开始写出成词的片段",
     lambda: all(
         below(name, line(name, 1)) < first_copy(name) < below(name, line(name, 2)) for name in ("A1", "X3")
     )),
    ("A1", "It ends above A2", "最后停在 A2 之上", lambda: end("A1") > end("A2")),
    ("A2", "differs from A1 only in sampling", "与 A1 只差采样方式", lambda: differs("A2", "A1") == {"sampling"}),
    ("A2", "After the first few dozen epochs it stays below A1", "头几十个周期之后它一直低于 A1",
     lambda: all(a2 < a1 for a1, a2 in list(zip(curve("A1"), curve("A2"), strict=True))[36:])),
    ("A2", "how much of what it writes is copied once the perplexity is low", "困惑度降下来以后，照抄的比例有多高",
     lambda: copied("A2", 50) == 0 and min(copied("A2", epoch) for epoch in (150, 200, 250)) > 0.5),
    ("A2", "Nearly every gradient is clipped", "梯度几乎每次都被裁剪", lambda: min(clipped("A2")) > 0.95),
    ("A3", "a hundred epochs reach what takes the scratch version over two hundred",
     "一百个周期就到了从零实现两百多个周期的水平",
     lambda: below("A2", curve("A3")[99]) > 200),
    ("A3", "The published clipping has no effect here", "裁剪在这里其实没有起作用", lambda: not any(clipped("A3"))),
    ("A3", "A3-repaired, where it works", "A3-repaired 让它起作用", lambda: max(clipped("A3-repaired")) == 1),
    ("A4", "so there are no circles", "因此没有圆点", lambda: not RECIPES["A4"].published),
    ("A5", "it is near 1 very soon", "很快就接近 1", lambda: below("A5", 1.1) <= 25),
    ("A5", "the published run has one rebound, at epoch 120", "在第 120 个周期就有一次",
     lambda: dict(RECIPES["A5"].published)[120] == max(value for _, value in RECIPES["A5"].published)),
    ("A5", "At the end nearly all it writes is copied", "到最后，写出来的几乎全是照抄",
     lambda: copied("A5", 160) > 0.9),
    ("A6", "For a long time it stays near the unigram line", "开头很长一段停在一元参考线附近",
     lambda: below("A6", 0.75 * line("A6", 1)) - below("A6", 1.25 * line("A6", 1)) > 30),
    ("A6", "At epoch 40 the perplexity is still around two hundred", "第 40 个周期时困惑度还在两百上下",
     lambda: 170 < curve("A6")[39] < 230),
    ("A6", "the text repeats common characters", "写出的只是反复出现的常用字符",
     lambda: common("A6", 40) > 0.9 and all(reading.loop for reading in readings("A6", 40))),
    ("A6", "only then does it step down", "之后才一级一级往下降", lambda: 40 < below("A6", line("A6", 2)) <= 160),
    ("A6", "in which epoch copied passages first appear", "照抄的比例在哪个周期开始出现",
     lambda: 40 < first_copy("A6") <= 160),
    ("A7", "The same network as A6", "与 A6 是同一种网络",
     lambda: not differs("A7", "A6") & {"cell", "num_layers", "num_hiddens", "bidirectional"}),
    ("A7", "near 1 within a few dozen epochs", "在几十个周期内降到 1 附近", lambda: below("A7", 1.1) < 50),
    ("A7", "Two runs are published", "书中有两次训练", lambda: bool(RECIPES["A7"].published_other)),
    ("A8", "One more layer: a slower start", "多一层，起步更慢",
     lambda: differs("A8", "A7") == {"num_layers"} and below("A8", 1.1) > 1.5 * below("A7", 1.1)),
    ("A8", "the text is memorised all the same", "一样背下全文",
     lambda: end("A8") < 1.1 and copied("A8", 160) > 0.9),
    ("A8", "In A8-repaired the clipping works", "A8-repaired 让裁剪真正起作用",
     lambda: max(clipped("A8-repaired")) == 1),
    ("A9", "a little above the unigram line and hardly moves", "在一元参考线上方一点点，几乎不动",
     lambda: all(1 < value / line("A9", 1) < 1.07 for value in curve("A9")[9:]) and curve("A9")[9] / end("A9") < 1.05),
    ("A9", "ignores its input and only reports frequencies", "忽略了输入，只会报告字符频率",
     lambda: all(event.stuck and event.sensitivity < 0.001 for event in history("A9").probes.values())),
    ("A9", "it writes nothing but ␣", "写出来的全是 ␣",
     lambda: all(text.blanks == text.length > 0 for at in history("A9").written()[1:] for text in readings("A9", at))),
    ("A9", "the nearer to the input, the smaller, down to almost nothing", "越靠近输入越小，几乎为零",
     lambda: list(layers("A9", 160)) == sorted(layers("A9", 160)) and layers("A9", 160)[0] < 1e-9),
    ("A9-residual", "One thing differs from A9", "与 A9 只差一处",
     lambda: differs("A9-residual", "A9") == {"residual"}),
    ("A9-residual", "in which epoch the curve leaves the unigram line", "在哪个迭代周期离开一元参考线",
     lambda: below("A9-residual", 0.9 * line("A9", 1)) < 80),
    ("A9-residual", "back to the first", "一直回到第一层",
     lambda: all(layers("A9-residual", epoch)[0] > 1e-3 for epoch in (1, 80, 160))),
    ("A9-layer-norm", "One thing differs from A9", "与 A9 只差一处",
     lambda: differs("A9-layer-norm", "A9") == {"layer_norm"}),
    ("A9-forget-bias", "in A9 they vanish from layer to layer", "A9 的梯度是在层与层之间消失的",
     lambda: differs("A9-forget-bias", "A9") == {"forget_bias"}
     and layers("A9", 160)[0] < 1e-9 * layers("A9", 160)[-1]),
    ("A9-lr-0.001", "A tenth of the learning rate, all else as in A9", "学习率降到十分之一，其余与 A9 相同",
     lambda: differs("A9-lr-0.001", "A9") == {"learning_rate"}
     and math.isclose(10 * RECIPES["A9-lr-0.001"].config.learning_rate, RECIPES["A9"].config.learning_rate)),
    ("A9-xavier", "how much larger than A9's the gradient of the lowest layer is in the first epoch",
     "第一个周期里最低一层的梯度比 A9 的大多少", lambda: layers("A9-xavier", 1)[0] > 2 * layers("A9", 1)[0]),
    ("A9-xavier", "what is left of it in the second", "第二个周期又剩下多少",
     lambda: layers("A9-xavier", 2)[0] < 1e-3 * layers("A9-xavier", 1)[0]),
    ("A10", "The perplexity is 1 almost at once", "困惑度几乎立刻到 1", lambda: below("A10", 1.1) <= 15),
    ("A10", "the text is a loop of a few characters, or of one", "一个或几个字符的循环",
     lambda: all(0 < (reading.loop or 0) <= 6 for reading in readings("A10", 160))),
    ("A10", "it has seen the answer", "看到了答案",
     lambda: all(event.reads_the_answer for event in history("A10").probes.values())),
    ("A10-cloze", "can be compared with A10-one-way", "可以与 A10-one-way 比较",
     lambda: differs("A10-cloze", "A10-one-way") == {"bidirectional", "objective"}),
    ("A10-one-way", "The same cell and settings as A10-cloze", "与 A10-cloze 同样的单元和设置",
     lambda: differs("A10-one-way", "A10-cloze") == {"bidirectional", "objective"}),
    ("A11", "Not one epoch is trained", "一个周期也不训练", lambda: untrained("A11")),
    # a network that has hardly learned: a learning rate of 1, where the book uses 100
    ("A11", "the perplexity is the number of different characters", "困惑度等于不同的字符的个数",
     lambda: 0.98 < curve("X1-lr-1")[0] / recorded.recording("X1-lr-1").vocab_size < 1.02),
    ("A11-library", "No training either", "同样不训练", lambda: untrained("A11-library")),
    ("A11-library", "The characters differ", "写出的字符不同",
     lambda: history("A11").texts[0]["分开"] != history("A11-library").texts[0]["分开"]),
    ("B1", "some two dozen symbols", "只有二十几个符号", lambda: 20 < recorded.recording("B1").vocab_size < 30),
    ("B1", "it starts much lower and falls more gently", "起点低得多，曲线也平缓",
     lambda: curve("B1")[0] < curve("A2")[0] / 10
     and math.log(curve("B1")[0] / end("B1")) / 500 < math.log(curve("A2")[0] / end("A2")) / 250 / 2),
    ("B1", "The threshold is 1", "裁剪阈值是 1", lambda: RECIPES["B1"].config.clip_norm == 1),
    ("B1", "the sources give no results", "资料里没有数值", lambda: not RECIPES["B1"].published),
    ("B2", "It differs from B1 only in the cell", "与 B1 只差单元", lambda: differs("B2", "B1") == {"cell"}),
    ("B2", "It writes every 10 epochs", "每隔 10 个周期写一次",
     lambda: history("B2").written() == [0, 1, 2, 5, *range(10, 501, 10)]),
    ("B3", "starts more slowly and lingers near the character frequencies", "起步往往更慢：先在字符频率附近停留",
     lambda: plateau("B3") > 2 * plateau("B1") and curve("B3")[9] > curve("B1")[9]),
    ("B3", "Then it goes lower than the RNN", "之后它降得比 RNN 更低", lambda: end("B3") < end("B1")),
    ("B4", "Two layers, learning rate 2", "两层，学习率 2",
     lambda: (RECIPES["B4"].config.num_layers, RECIPES["B4"].config.learning_rate) == (2, 2.0)),
    ("B4", "so the plateau is longer", "所以平台期更长", lambda: plateau("B4") > plateau("B3")),
    ("B4", "the gradients of both recurrent layers grow as it ends", "平台期结束时，两个循环层的梯度怎样变大",
     lambda: all(late > 3 * early for early, late in zip(layers("B4", 10), layers("B4", 30), strict=True))),
    ("B5", "near 1 long before that of the other networks", "比别的网络早得多就接近 1",
     lambda: 2 * below("B5", 1.6) < min(below(name, 1.6) for name in ("B1", "B2", "B3", "B4"))),
    ("B5", "the text makes no sense", "写出来的却毫无意义", lambda: all(text.loop for text in readings("B5", 500))),
    ("X1", "changing one is changing the other", "改其中一个，等于改另一个",
     lambda: curve("X1-lr-10") == curve("X1-clip-0.001") and curve("X1-lr-1000") == curve("X1-clip-0.1")),
    ("X2", "The learning rate is still 100, but nothing is clipped", "学习率仍是 100，但不再裁剪",
     lambda: RECIPES["X2"].config.learning_rate == 100 and not any(clipped("X2"))),
    ("X2", "the gradient norm just before things go wrong", "梯度范数在出事之前",
     lambda: math.isinf(min(curve("X2"))) and history("X2").epochs[0].grad_norm > 50),
    ("X3", "It writes after every epoch", "每个周期都写一次",
     lambda: history("X3").written() == list(range(251)) and differs("X3", "A2") == {"pred_period"}),
    ("X3", "the epoch of the first word and of the first copied passage", "第一个成词的片段、第一处照抄各在哪个周期",
     lambda: 1 < first_copy("X3") < 250),
    ("X5", "Compare the gradient norm and the clipped share with A2", "看梯度范数与裁剪的比例，与 A2 相比",
     lambda: differs("X5", "A2") == {"activation"}
     and all(history("X5").epochs[at].grad_norm > history("A2").epochs[at].grad_norm for at in (99, 249))),
    ("C1", "After a few epochs it rises again, while the training perplexity goes to 1",
     "几个周期后它回升，而训练困惑度降到 1",
     lambda: lowest("C1") < 10 and held_out("C1")[40] > 10 * held_out("C1")[lowest("C1")] and end("C1") < 1.05),
    ("C2", "The training perplexity falls more slowly, and the dashed line rises less",
     "训练困惑度降得慢些，虚线升得少些",
     lambda: (
         all(c2 > c1 for c1, c2 in list(zip(curve("C1"), curve("C2"), strict=True))[4:])
         and held_out("C2")[40] < 0.8 * held_out("C1")[40]
     )),
    ("C2", "Its lowest value is no lower", "最低值并没有更低",
     lambda: held_out("C2")[lowest("C2")] > 0.98 * held_out("C1")[lowest("C1")]),
    ("C3", "The dashed line ends at less than half of C1's", "虚线最后不到 C1 的一半",
     lambda: held_out("C3")[40] < 0.5 * held_out("C1")[40]),
    ("C3", "Its lowest value stays about the same", "最低值差不多一样", lambda: alike("C1", "C3")),
    ("C4", "up to the end, it is the very run of C1", "到停下为止，它和 C1 完全一样",
     lambda: curve("C1")[: len(curve("C4"))] == curve("C4") and len(curve("C4")) == lowest("C1") + 6),
]  # fmt: skip
# claims that are not about results, or cannot be checked on a recording, which has no minibatches
UNCHECKED = {"X4"}


@pytest.mark.parametrize("claim", CLAIMS, ids=[f"{claim[0]}: {claim[1]}" for claim in CLAIMS])
def test_what_is_said_is_what_the_recording_shows(claim: Claim) -> None:
    recipe, english, chinese, shows = claim
    assert english in look_for(RECIPES[recipe], "en")
    assert chinese in look_for(RECIPES[recipe], "zh")
    assert shows()


@pytest.mark.parametrize("name", [recipe.id for recipe in RECIPES.values() if recipe.repairs])
def test_what_is_said_of_every_repair_is_what_the_recordings_show(name: str) -> None:
    recipe = RECIPES[name]
    broken = str(recipe.repairs)
    for lang, parts in {
        "en": ("no gradient is ever shortened", "Here it works, θ\u00a0=\u00a00.01, and all else is the same"),
        "zh": ("没有一个梯度被缩短", "这里的裁剪真正起作用，θ\u00a0=\u00a00.01，其余都不变"),
    }.items():
        assert all(part in look_for(recipe, lang) for part in parts)
    assert not any(clipped(broken))
    assert max(clipped(name)) > 0
    assert differs(name, broken) == {"clip_norm"}
    assert recipe.config.clip_norm == 0.01


def test_nothing_that_is_said_of_an_experiment_is_left_out() -> None:
    texts = {name for name in RECIPES if has(f"recipe.{name}.look", LANGUAGES[0])}
    assert texts == {recipe for recipe, *_ in CLAIMS} | UNCHECKED


def test_a_claim_that_is_not_so_would_be_found() -> None:
    assert not curve("A1")[0] < curve("A2")[9]
    assert below("A9", 100) == math.inf
    assert copied("A10", 160) == 0
    assert plateau("A3") < plateau("A9")
