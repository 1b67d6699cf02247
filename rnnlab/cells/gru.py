"""The gated recurrent unit (1st edition 6.7, 2nd edition 10.2), with reset gate R and update gate Z."""

from __future__ import annotations

from rnnlab.cells.description import Array, CellDescription, Functions, Gate, Gates, Library, State, Weights


def gru(X: Array, state: State, weights: Weights, f: Functions) -> tuple[State, Gates]:
    """Compute one time step, with the reset before the matrix product.

    R_t = σ(X_t W_xr + H_{t-1} W_hr + b_r)
    Z_t = σ(X_t W_xz + H_{t-1} W_hz + b_z)
    H̃_t = tanh(X_t W_xh + (R_t ⊙ H_{t-1}) W_hh + b_h)
    H_t = Z_t ⊙ H_{t-1} + (1 - Z_t) ⊙ H̃_t
    """
    (W_xr, W_hr, b_r), (W_xz, W_hz, b_z), (W_xh, W_hh, b_h) = weights
    (H,) = state
    R = f.sigmoid(X @ W_xr + H @ W_hr + b_r)
    Z = f.sigmoid(X @ W_xz + H @ W_hz + b_z)
    H_tilde = f.tanh(X @ W_xh + (R * H) @ W_hh + b_h)
    H = Z * H + (1 - Z) * H_tilde
    return (H,), {"R": R, "Z": Z, "H_tilde": H_tilde}


def gru_of_the_library(X: Array, state: State, weights: Weights, f: Functions) -> tuple[State, Gates]:
    """Compute one time step of `torch.nn.GRU`, which resets after the matrix product and so is a different function.

    H̃_t = tanh(X_t W_xh + b_h + R_t ⊙ (H_{t-1} W_hh + c_h))
    """
    (W_xr, W_hr, b_r, c_r), (W_xz, W_hz, b_z, c_z), (W_xh, W_hh, b_h, c_h) = weights
    (H,) = state
    R = f.sigmoid(X @ W_xr + b_r + H @ W_hr + c_r)
    Z = f.sigmoid(X @ W_xz + b_z + H @ W_hz + c_z)
    H_tilde = f.tanh(X @ W_xh + b_h + R * (H @ W_hh + c_h))
    H = Z * H + (1 - Z) * H_tilde
    return (H,), {"R": R, "Z": Z, "H_tilde": H_tilde}


GRU = CellDescription(
    name="gru",
    equation=gru,
    gates=(
        Gate("r", "R", "sigmoid", "reset_gate"),
        Gate("z", "Z", "sigmoid", "update_gate"),
        Gate("h", "H_tilde", "tanh", "candidate", resets="R"),
    ),
    states=("H",),
    latex=(
        r"\mathbf{R}_t = \sigma(\mathbf{X}_t \mathbf{W}_{xr} + \mathbf{H}_{t-1} \mathbf{W}_{hr} + \mathbf{b}_r)",
        r"\mathbf{Z}_t = \sigma(\mathbf{X}_t \mathbf{W}_{xz} + \mathbf{H}_{t-1} \mathbf{W}_{hz} + \mathbf{b}_z)",
        r"\tilde{\mathbf{H}}_t = \tanh(\mathbf{X}_t \mathbf{W}_{xh}"
        r" + (\mathbf{R}_t \odot \mathbf{H}_{t-1}) \mathbf{W}_{hh} + \mathbf{b}_h)",
        r"\mathbf{H}_t = \mathbf{Z}_t \odot \mathbf{H}_{t-1} + (1 - \mathbf{Z}_t) \odot \tilde{\mathbf{H}}_t",
    ),
    section="6.7",
    calls=14,
    library=Library("GRU", (0, 1, 2), gru_of_the_library),
    keeping="z",
)
