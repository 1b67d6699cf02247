"""The table of contents: all lessons in the book's order, then the exercises."""

from __future__ import annotations

from dataclasses import dataclass

from rnnlab.cells import CELLS
from rnnlab.errors import RNNLabError
from rnnlab.view.language.sections import SECOND


@dataclass(frozen=True)
class Lesson:
    """A lesson or an exercise.

    Attributes:
        name: name in the URL, e.g. ``"one-hot"``; for an exercise, the id of its recipe.
        section: section in the book's first edition.
        formulas: the formulas of the lesson as LaTeX, each short enough for a phone.
        elsewhere: sections in the second edition, in Chinese and in English, if they differ from those that correspond
            to `section`.
        in_first: whether the first edition treats it; if not, `section` is where it belongs.
    """

    name: str
    section: str
    formulas: tuple[str, ...] = ()
    elsewhere: tuple[str, str] | None = None
    in_first: bool = True

    @property
    def key(self) -> str:
        """The prefix of its keys in the message catalogue."""
        return f"lesson.{self.name}"

    @property
    def is_exercise(self) -> bool:
        """Whether this is an exercise (predict, then run)."""
        return self.name.startswith("X")

    def place(self, lang: str) -> str:
        """Return the section in the second edition in language `lang`."""
        second = self.elsewhere or SECOND[self.section]
        return second[0 if lang == "zh" else 1]


LESSONS = (
    Lesson(
        "sequence",
        "6.1",
        (
            r"P(x_t \mid x_{<t}) \approx P(x_t \mid x_{t-1}, \ldots, x_{t-n})",
            r"P(x_t \mid x_{<t}) \approx P(x_t \mid h_{t-1})",
            r"h_t = f(x_t, h_{t-1})",
        ),
    ),
    Lesson(
        "k-steps",
        "6.1",
        (
            r"\hat{x}_{t+1} = f(x_t, x_{t-1}, \ldots, x_{t-\tau+1})",
            r"\hat{x}_{t+k} = f(\hat{x}_{t+k-1}, \hat{x}_{t+k-2}, \ldots)",
        ),
        in_first=False,
    ),
    Lesson("rnn", CELLS["rnn"].section),
    Lesson(
        "tokens",
        "6.3",
        (r"n_i \propto \frac{1}{i^{\alpha}} \qquad \ln n_i = -\alpha \ln i + c",),
        elsewhere=("8.2–8.3", "9.2"),
    ),
    Lesson("sampling", "6.3", (r"\mathbf{Y}_{i,t} = \mathbf{X}_{i,t+1}",)),
    Lesson("one-hot", "6.4", (r"\mathbf{e}_i \mathbf{W} = \mathbf{W}_{i,:}",)),
    Lesson("clipping", "6.4", (r"\min\left(\frac{\theta}{\|\mathbf{g}\|}, 1\right) \mathbf{g}",)),
    Lesson(
        "perplexity",
        "6.4",
        (r"\exp\left(-\frac{1}{n} \sum_{t=1}^{n} \ln P(x_t \mid x_{<t})\right)",),
        elsewhere=("8.4", "9.3"),
    ),
    Lesson(
        "shapes",
        "6.5",
        (r"(T,\, B,\, V) \;\to\; (T,\, B,\, D\,h)", r"(T,\, B,\, D\,h) \;\to\; (T\,B,\, V)"),
    ),
    Lesson(
        "powers",
        "6.6",
        (
            r"\frac{\partial L}{\partial \mathbf{h}_{T-k}} = \frac{\partial L}{\partial \mathbf{h}_T}"
            r" \prod_{t} \mathrm{diag}(\phi'_t)\, \mathbf{W}_{hh}^\top",
            r"\|\mathbf{W}_{hh}^k\| \sim \rho^k",
        ),
    ),
    Lesson(
        "truncation",
        "6.6",
        (
            r"\frac{\partial h_t}{\partial w} = \sum_{i=\tau}^{t}"
            r" \left(\prod_{j=i+1}^{t} \frac{\partial h_j}{\partial h_{j-1}}\right)"
            r" \left.\frac{\partial h_i}{\partial w}\right|_{h_{i-1}}",
        ),
    ),
    Lesson("gru", CELLS["gru"].section),
    Lesson("lstm", CELLS["lstm"].section),
    Lesson(
        "depth",
        "6.9",
        (
            r"\mathbf{H}_t^{(l)} = \phi(\mathbf{H}_t^{(l-1)} \mathbf{W}_{xh}^{(l)}"
            r" + \mathbf{H}_{t-1}^{(l)} \mathbf{W}_{hh}^{(l)} + \mathbf{b}_h^{(l)})",
            r"\mathbf{H}_t^{(0)} = \mathbf{X}_t",
        ),
    ),
    Lesson(
        "directions",
        "6.10",
        (
            r"\overrightarrow{\mathbf{H}}_t = \phi(\mathbf{X}_t \mathbf{W}_{xh}^{(f)}"
            r" + \overrightarrow{\mathbf{H}}_{t-1} \mathbf{W}_{hh}^{(f)} + \mathbf{b}_h^{(f)})",
            r"\overleftarrow{\mathbf{H}}_t = \phi(\mathbf{X}_t \mathbf{W}_{xh}^{(b)}"
            r" + \overleftarrow{\mathbf{H}}_{t+1} \mathbf{W}_{hh}^{(b)} + \mathbf{b}_h^{(b)})",
        ),
    ),
    Lesson(
        "decoding",
        "10.10",
        (
            r"P_T(x) \propto P(x)^{1/T}",
            r"\ln P(x_1, \ldots, x_L) = \sum_{t=1}^{L} \ln P(x_t \mid x_{<t})",
        ),
    ),
)
"""The lessons in the order of the book's first edition."""

EXERCISES = tuple(Lesson(name, "6.4") for name in ("X1", "X2", "X3", "X4", "X5"))
"""The book's exercises, as *predict, then run*."""

ALL = (*LESSONS, *EXERCISES)


def find(name: str) -> Lesson:
    """Return the lesson `name`, ignoring case.

    Raises:
        RNNLabError: ``lesson_unknown``; the message lists all lessons.
    """
    for lesson in ALL:
        if lesson.name.lower() == name.strip().lower():
            return lesson
    allowed = ", ".join(lesson.name for lesson in ALL)
    raise RNNLabError(
        "lesson_unknown",
        f"There is no lesson named {name[:80]!r}; there are: {allowed}.",
        lesson=name[:80],
        allowed=allowed,
    )


def neighbours(lesson: Lesson) -> tuple[Lesson | None, Lesson | None]:
    """Return the previous and the next lesson; None at the ends."""
    index = ALL.index(lesson)
    return (ALL[index - 1] if index else None), (ALL[index + 1] if index + 1 < len(ALL) else None)
