"""The lesson on shapes: inputs, outputs, parameters, and the effect of another cell."""

from __future__ import annotations

import streamlit as st

from rnnlab.cells import CELLS
from rnnlab.config import TrainConfig
from rnnlab.view.language.i18n import t
from rnnlab.view.language.settings import value_text
from rnnlab.view.lessons import sentences
from rnnlab.view.lessons.compute import shapes
from rnnlab.view.lessons.contents import Lesson
from rnnlab.view.lessons.layout import conclude, sliders
from rnnlab.view.page import session


def draw(lesson: Lesson) -> None:
    """Draw the choice of the sizes of a network, its tensors and its weights."""
    lang = session.language()
    left, right = st.columns(2, gap="medium")
    cell = left.segmented_control(
        t("field.cell", lang),
        list(CELLS),
        default="rnn",
        key=session.key("lesson.shapes.cell"),
        format_func=lambda value: value_text("cell", value, lang),
        required=True,
        width="stretch",
    )
    implementation = right.segmented_control(
        t("field.implementation", lang),
        ["scratch", "library"],
        default="scratch",
        key=session.key("lesson.shapes.how"),
        format_func=lambda value: value_text("implementation", value, lang),
        required=True,
        width="stretch",
    )
    grid = sliders(3)
    batch_size = grid.slider(t("lesson.shapes.batch", lang), 1, 64, 32, key="lesson.shapes.batch")
    num_steps = grid.slider(t("lesson.shapes.steps", lang), 1, 70, 35, key="lesson.shapes.steps")
    vocab_size = grid.slider(t("lesson.shapes.vocab", lang), 27, 2000, 1027, key="lesson.shapes.vocab")
    num_hiddens = grid.slider(t("lesson.shapes.hiddens", lang), 8, 512, 256, 8, key="lesson.shapes.hiddens")
    num_layers = grid.slider(t("lesson.shapes.layers", lang), 1, 6, 1, key="lesson.shapes.layers")
    directions = grid.slider(t("lesson.shapes.directions", lang), 1, 2, 1, key="lesson.shapes.directions")
    config = TrainConfig.make(
        cell=cell,
        implementation=implementation,
        batch_size=batch_size,
        num_steps=num_steps,
        num_hiddens=num_hiddens,
        num_layers=num_layers,
        bidirectional=directions == 2,
    )
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(t("lesson.shapes.flows", lang))
        st.table(
            {
                t("lesson.shapes.tensor", lang): [
                    f"${tensor.symbol}$ {t(f'lesson.shapes.role.{tensor.role}', lang)}"
                    for tensor in shapes.tensors(config, vocab_size)
                ],
                t("lesson.shapes.shape", lang): [_shape(tensor.shape) for tensor in shapes.tensors(config, vocab_size)],
            },
            border="horizontal",
        )
    with right:
        st.markdown(t("lesson.shapes.learnt", lang))
        rows = _grouped(shapes.weights(config, vocab_size))
        st.table(
            {
                t("lesson.shapes.weight", lang): [name for name, _, _ in rows],
                t("lesson.shapes.shape", lang): [_shape(shape) for _, shape, _ in rows],
                t("lesson.shapes.numbers", lang): [f"{count:,}" for _, _, count in rows],
            },
            border="horizontal",
        )
    other = "rnn" if cell == "lstm" else "lstm"
    conclude(
        sentences.shape_sentence(
            shapes.num_parameters(config, vocab_size),
            shapes.num_parameters(config.change(cell=other), vocab_size),
            str(cell),
            other,
            num_layers,
            directions,
            lang,
        )
    )


def _grouped(weights: list[shapes.Weight]) -> list[tuple[str, shapes.Shape, int]]:
    """Join weights with the same symbol and shape into one row, because all layers from the second on are alike."""
    lang = session.language()
    rows: dict[tuple[str, shapes.Shape], list[shapes.Weight]] = {}
    for weight in weights:
        rows.setdefault((weight.symbol, weight.shape), []).append(weight)
    named = []
    for (symbol, shape), members in rows.items():
        layers = sorted({weight.layer for weight in members})
        span = f"{layers[0]}–{layers[-1]}" if len(layers) > 1 else str(layers[0])
        where = t("lesson.shapes.layer", lang, number=span) if layers[0] else t("chart.output_layer", lang)
        times = f" ×{len(members)}" if len(members) > 1 else ""
        named.append((f"${symbol}$ {where}{times}", shape, sum(weight.size for weight in members)))
    return named


def _shape(shape: shapes.Shape) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
