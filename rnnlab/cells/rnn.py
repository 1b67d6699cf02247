"""The recurrent neural network (1st edition 6.2, 2nd edition 9.4)."""

from __future__ import annotations

from rnnlab.cells.description import Array, CellDescription, Functions, Gate, Gates, Library, State, Weights


def rnn(X: Array, state: State, weights: Weights, f: Functions) -> tuple[State, Gates]:
    """Compute one time step.

    H_t = φ(X_t W_xh + H_{t-1} W_hh + b_h),  where φ is tanh, or ReLU in the exercise
    """
    ((W_xh, W_hh, b_h),) = weights
    (H,) = state
    H = f.φ(X @ W_xh + H @ W_hh + b_h)
    return (H,), {}


RNN = CellDescription(
    name="rnn",
    equation=rnn,
    gates=(Gate("h", "H", "φ"),),
    states=("H",),
    latex=(
        r"\mathbf{H}_t = \phi(\mathbf{X}_t \mathbf{W}_{xh} + \mathbf{H}_{t-1} \mathbf{W}_{hh} + \mathbf{b}_h)",
        r"\mathbf{O}_t = \mathbf{H}_t \mathbf{W}_{hq} + \mathbf{b}_q",
    ),
    section="6.2",
    calls=4,
    library=Library("RNN", (0,)),
    chooses_activation=True,
)
