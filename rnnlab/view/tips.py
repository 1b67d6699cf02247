"""What stands beside a setting: one sentence, a formula, and where the book treats it."""

from __future__ import annotations

from dataclasses import dataclass

from rnnlab.cells import CELLS
from rnnlab.view.i18n import allowed_text, t
from rnnlab.view.sections import SECOND


@dataclass(frozen=True)
class Treatment:
    """How the book treats a setting.

    Attributes:
        first: sections of the first edition; empty where it has nothing on it.
        formulas: LaTeX, short enough for a tooltip. T: time steps, B: batch size, h: hidden units, N: characters.
        second: sections of the second edition in Chinese and in English, where they are not those of `SECOND`.
    """

    first: tuple[str, ...] = ()
    formulas: tuple[str, ...] = ()
    second: tuple[tuple[str, str], ...] | None = None

    def place(self, lang: str) -> str:
        """Say the sections, e.g. ``"Section 6.4 of the book (second edition: 9.5)"``; empty where there are none."""
        join, at = t("list.join", lang), 0 if lang == "zh" else 1
        pairs = [SECOND[one] for one in self.first] if self.second is None else self.second
        first, second = join.join(self.first), join.join(pair[at] for pair in pairs)
        if first and second:
            return t("tip.sections" if len(self.first) > 1 else "tip.section", lang, first=first, second=second)
        if first:
            return t("tip.first", lang, first=first)
        return t("tip.second", lang, second=second) if second else ""


_STEP = r"\mathbf{w} \leftarrow \mathbf{w} - \eta\, \mathbf{g}"

BOOK: dict[str, Treatment] = {
    "cell": Treatment(
        tuple(cell.section for cell in CELLS.values()), (r"\mathbf{H}_t = f(\mathbf{X}_t, \mathbf{H}_{t-1})",)
    ),
    "implementation": Treatment(("6.4", "6.5")),
    "num_layers": Treatment(
        ("6.9",),
        (
            r"\mathbf{H}_t^{(0)} = \mathbf{X}_t",
            r"\mathbf{H}_t^{(l)} = f(\mathbf{H}_t^{(l-1)}, \mathbf{H}_{t-1}^{(l)})",
        ),
    ),
    "bidirectional": Treatment(
        ("6.10",), (r"\mathbf{H}_t = [\overrightarrow{\mathbf{H}}_t,\, \overleftarrow{\mathbf{H}}_t]",)
    ),
    "objective": Treatment(("6.10",), (r"P(x_t \mid x_{<t})", r"P(x_t \mid x_{<t},\, x_{>t})")),
    "num_hiddens": Treatment(("6.2",), (r"\mathbf{H}_t \in \mathbb{R}^{B \times h}",)),
    "activation": Treatment(
        ("3.8",), (r"\tanh(x) = \frac{1 - e^{-2x}}{1 + e^{-2x}}", r"\mathrm{ReLU}(x) = \max(x, 0)")
    ),
    "initialization": Treatment(
        ("3.15",),
        (
            r"\mathcal{N}(0,\, 0.01^2)",
            r"U\left(-\tfrac{1}{\sqrt{h}},\, \tfrac{1}{\sqrt{h}}\right)",
            r"U\left(-\sqrt{\tfrac{6}{a+b}},\, \sqrt{\tfrac{6}{a+b}}\right)",
        ),
    ),
    "residual": Treatment(("5.11",), (r"\mathbf{y} = \mathbf{x} + f(\mathbf{x})",)),
    # the first edition has no layer normalisation
    "layer_norm": Treatment(
        formulas=(r"\boldsymbol{\gamma} \odot \frac{\mathbf{h} - \mu}{\sigma} + \boldsymbol{\beta}",),
        second=(("10.7", "11.7"),),
    ),
    "forget_bias": Treatment(
        ("6.8",),
        (r"\mathbf{F}_t = \sigma(\mathbf{X}_t \mathbf{W}_{xf} + \mathbf{H}_{t-1} \mathbf{W}_{hf} + \mathbf{b}_f)",),
    ),
    "sampling": Treatment(("6.3",), (r"\mathbf{H}_0 = \mathbf{0}", r"\mathbf{H}_0 \leftarrow \mathbf{H}_T")),
    # the first edition always begins at the head of the text
    "offset": Treatment(formulas=(r"s \in \{0, 1, \ldots, T - 1\}",), second=(("8.3", "9.3"),)),
    "num_steps": Treatment(
        ("6.6",), (r"\prod_{j=i+1}^{t} \frac{\partial \mathbf{h}_j}{\partial \mathbf{h}_{j-1}}", r"t - i < T")
    ),
    "batch_size": Treatment(("6.3",), (r"\mathbf{g} = \frac{1}{BT} \sum_{i=1}^{B} \sum_{t=1}^{T} \nabla \ell_{i,t}",)),
    "optimizer": Treatment(
        ("7.3", "7.8"),
        (
            _STEP,
            r"\mathbf{w} \leftarrow \mathbf{w} - \eta\, \hat{\mathbf{v}} / (\sqrt{\hat{\mathbf{s}}} + \epsilon)",
        ),
    ),
    "learning_rate": Treatment(("7.2",), (_STEP,)),
    "clip_norm": Treatment(
        ("6.4",), (r"\mathbf{g} \leftarrow \min\left(\frac{\theta}{\|\mathbf{g}\|}, 1\right) \mathbf{g}",)
    ),
    "detach": Treatment(("6.4", "6.6"), (r"\frac{\partial \mathbf{H}_0}{\partial \mathbf{w}} = 0",)),
    # the second edition begins every epoch with a state of zeros
    "carry_state": Treatment(("6.5",), (r"\mathbf{H}_0^{(e+1)} \leftarrow \mathbf{H}_T^{(e)}",), second=()),
    "num_epochs": Treatment(
        ("6.3",),
        (r"\left\lfloor \left(\left\lfloor \tfrac{N}{B} \right\rfloor - 1\right) / \, T \right\rfloor",),
    ),
    "pred_period": Treatment(("6.4",)),
    "num_preds": Treatment(("6.4",)),
    "prefixes": Treatment(("6.4",)),
    "decoding": Treatment(("6.4",), (r"\hat{x}_{t+1} = \arg\max_x P(x \mid x_{\leq t})",)),
    # among the exercises of the section on the network from scratch, as a power of the probabilities
    "temperature": Treatment(formulas=(r"P_\tau(x) \propto P(x)^{1/\tau}",), second=(("8.5", "9.5"),)),
    # not in the book
    "top_k": Treatment(formulas=(r"P_k(x) \propto P(x)", r"x \in K", r"|K| = k")),
    "corpus": Treatment(("6.3",)),
    "preprocessing": Treatment(("6.3",), second=(("8.2", "9.2"),)),
    "num_chars": Treatment(("6.3",)),
}
"""The settings that the book treats, or that have a formula; the others belong to the machine, not to the book."""


def tip(name: str, lang: str, *, allowed: bool = False) -> str:
    """Say what the setting `name` is, as Markdown: a sentence, its formula, the book's section.

    Args:
        name: of the setting.
        lang: the language.
        allowed: say too which values it accepts.
    """
    sentence = t(f"help.{name}", lang)
    if allowed:
        sentence = f"{sentence} ({allowed_text(name, lang)})"
    treated = BOOK.get(name, Treatment())
    formulas = " \u2003 ".join(f"${one}$" for one in treated.formulas)
    return "\n\n".join(part for part in (sentence, formulas, treated.place(lang)) if part)
