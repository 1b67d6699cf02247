"""Long short-term memory (1st edition 6.8, 2nd edition 10.1), with input gate I, forget gate F and output gate O.

As in the book, O is the output gate here. The output layer O_t = H_t W_hq + b_q, which is the same for every cell, is
in `rnnlab.engine.model.LanguageModel`.
"""

from __future__ import annotations

from rnnlab.cells.description import Array, CellDescription, Functions, Gate, Gates, Library, State, Weights


def lstm(X: Array, state: State, weights: Weights, f: Functions) -> tuple[State, Gates]:
    """Compute one time step.

    I_t = σ(X_t W_xi + H_{t-1} W_hi + b_i)
    F_t = σ(X_t W_xf + H_{t-1} W_hf + b_f)
    O_t = σ(X_t W_xo + H_{t-1} W_ho + b_o)
    C̃_t = tanh(X_t W_xc + H_{t-1} W_hc + b_c)
    C_t = F_t ⊙ C_{t-1} + I_t ⊙ C̃_t
    H_t = O_t ⊙ tanh(C_t)
    """
    (W_xi, W_hi, b_i), (W_xf, W_hf, b_f), (W_xo, W_ho, b_o), (W_xc, W_hc, b_c) = weights
    H, C = state
    I = f.sigmoid(X @ W_xi + H @ W_hi + b_i)
    F = f.sigmoid(X @ W_xf + H @ W_hf + b_f)
    O = f.sigmoid(X @ W_xo + H @ W_ho + b_o)
    C_tilde = f.tanh(X @ W_xc + H @ W_hc + b_c)
    C = F * C + I * C_tilde
    H = O * f.tanh(C)
    return (H, C), {"I": I, "F": F, "O": O, "C_tilde": C_tilde}


LSTM = CellDescription(
    name="lstm",
    equation=lstm,
    gates=(
        Gate("i", "I", "sigmoid", "input_gate"),
        Gate("f", "F", "sigmoid", "forget_gate"),
        Gate("o", "O", "sigmoid", "output_gate"),
        Gate("c", "C_tilde", "tanh", "candidate"),
    ),
    states=("H", "C"),
    latex=(
        r"\mathbf{I}_t = \sigma(\mathbf{X}_t \mathbf{W}_{xi} + \mathbf{H}_{t-1} \mathbf{W}_{hi} + \mathbf{b}_i)",
        r"\mathbf{F}_t = \sigma(\mathbf{X}_t \mathbf{W}_{xf} + \mathbf{H}_{t-1} \mathbf{W}_{hf} + \mathbf{b}_f)",
        r"\mathbf{O}_t = \sigma(\mathbf{X}_t \mathbf{W}_{xo} + \mathbf{H}_{t-1} \mathbf{W}_{ho} + \mathbf{b}_o)",
        r"\tilde{\mathbf{C}}_t = \tanh(\mathbf{X}_t \mathbf{W}_{xc} + \mathbf{H}_{t-1} \mathbf{W}_{hc} + \mathbf{b}_c)",
        r"\mathbf{C}_t = \mathbf{F}_t \odot \mathbf{C}_{t-1} + \mathbf{I}_t \odot \tilde{\mathbf{C}}_t",
        r"\mathbf{H}_t = \mathbf{O}_t \odot \tanh(\mathbf{C}_t)",
    ),
    section="6.8",
    calls=18,
    library=Library("LSTM", (0, 1, 3, 2)),
    keeping="f",
    forget="f",
)
