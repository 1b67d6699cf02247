"""The RNN, the GRU and the LSTM, from their equations.

The names are the book's: `X` input (batch_size, num_inputs), `H` hidden state and `C` memory cell (batch_size,
num_hiddens), `W_xh` from input to hidden, `W_hh` from hidden to hidden, `b_h` bias; σ is the sigmoid, ⊙ the product by
element. Its sizes n, d, h and q are `batch_size`, `num_inputs`, `num_hiddens` and, of the output layer, the size of the
vocabulary. A state is always a tuple: `(H,)` or `(H, C)`. In the LSTM `O` is the output gate, as in the book; the
output layer O_t = H_t W_hq + b_q, the same on top of every cell, is in `rnnlab.engine.model.LanguageModel`.

The weights of all gates of a cell lie side by side in `W_x`, `W_h` and `b`, so that one matrix product can serve them
all (`rnnlab.engine.sequence` does that); `gate_weights` hands them out under the book's names.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rnnlab.config import Activation

State = tuple[Tensor, ...]


class Cell(nn.Module):
    """What the three cells share: the weights of `len(gates)` gates, side by side.

    Args:
        num_inputs: size of one input row; of the first layer the size of the vocabulary.
        num_hiddens: hidden units.
    """

    gates: tuple[str, ...]
    num_states = 1

    def __init__(self, num_inputs: int, num_hiddens: int) -> None:
        super().__init__()
        columns = len(self.gates) * num_hiddens
        self.num_hiddens = num_hiddens
        self.W_x = nn.Parameter(torch.empty(num_inputs, columns))
        self.W_h = nn.Parameter(torch.empty(num_hiddens, columns))
        self.b = nn.Parameter(torch.empty(columns))

    def gate_weights(self) -> tuple[tuple[Tensor, Tensor, Tensor], ...]:
        """Return ``(W_xg, W_hg, b_g)`` for each gate g of `gates`, in that order."""
        n = len(self.gates)
        return tuple(zip(self.W_x.chunk(n, 1), self.W_h.chunk(n, 1), self.b.chunk(n), strict=True))

    def step(self, X: Tensor, state: State) -> State:
        """Take one time step: input (batch_size, num_inputs) and state in, new state out."""
        raise NotImplementedError

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Walk along a sequence.

        Args:
            inputs: (num_steps, batch_size, num_inputs).
            state: the state before the first time step.

        Returns:
            All hidden states (num_steps, batch_size, num_hiddens) and the last state.
        """
        outputs = []
        for X in inputs:
            state = self.step(X, state)
            outputs.append(state[0])
        return torch.stack(outputs), state


class RNN(Cell):
    """The recurrent neural network (1st edition 6.2, 2nd edition 9.4).

    H_t = φ(X_t W_xh + H_{t-1} W_hh + b_h),  φ = tanh, or ReLU in the exercise
    """

    gates = ("h",)

    def __init__(self, num_inputs: int, num_hiddens: int, activation: Activation = "tanh") -> None:
        super().__init__(num_inputs, num_hiddens)
        self.activation: Activation = activation

    def step(self, X: Tensor, state: State) -> State:
        """Take one time step."""
        ((W_xh, W_hh, b_h),) = self.gate_weights()
        φ = torch.tanh if self.activation == "tanh" else torch.relu
        (H,) = state
        H = φ(X @ W_xh + H @ W_hh + b_h)
        return (H,)


class GRU(Cell):
    """The gated recurrent unit (1st edition 6.7, 2nd edition 10.2), with reset gate R and update gate Z.

    R_t = σ(X_t W_xr + H_{t-1} W_hr + b_r)
    Z_t = σ(X_t W_xz + H_{t-1} W_hz + b_z)
    H̃_t = tanh(X_t W_xh + (R_t ⊙ H_{t-1}) W_hh + b_h)
    H_t = Z_t ⊙ H_{t-1} + (1 - Z_t) ⊙ H̃_t

    The reset comes before the matrix product. `torch.nn.GRU` resets after it, ``R_t ⊙ (H_{t-1} W_hh + b_hh)``, and so
    computes something else with the same weights.
    """

    gates = ("r", "z", "h")

    def step(self, X: Tensor, state: State) -> State:
        """Take one time step."""
        (W_xr, W_hr, b_r), (W_xz, W_hz, b_z), (W_xh, W_hh, b_h) = self.gate_weights()
        (H,) = state
        R = torch.sigmoid(X @ W_xr + H @ W_hr + b_r)
        Z = torch.sigmoid(X @ W_xz + H @ W_hz + b_z)
        H_tilde = torch.tanh(X @ W_xh + (R * H) @ W_hh + b_h)
        H = Z * H + (1 - Z) * H_tilde
        return (H,)


class LSTM(Cell):
    """Long short-term memory (1st edition 6.8, 2nd edition 10.1), with input gate I, forget gate F and output gate O.

    I_t = σ(X_t W_xi + H_{t-1} W_hi + b_i)
    F_t = σ(X_t W_xf + H_{t-1} W_hf + b_f)
    O_t = σ(X_t W_xo + H_{t-1} W_ho + b_o)
    C̃_t = tanh(X_t W_xc + H_{t-1} W_hc + b_c)
    C_t = F_t ⊙ C_{t-1} + I_t ⊙ C̃_t
    H_t = O_t ⊙ tanh(C_t)
    """

    gates = ("i", "f", "o", "c")
    num_states = 2

    def step(self, X: Tensor, state: State) -> State:
        """Take one time step."""
        (W_xi, W_hi, b_i), (W_xf, W_hf, b_f), (W_xo, W_ho, b_o), (W_xc, W_hc, b_c) = self.gate_weights()
        H, C = state
        I = torch.sigmoid(X @ W_xi + H @ W_hi + b_i)
        F = torch.sigmoid(X @ W_xf + H @ W_hf + b_f)
        O = torch.sigmoid(X @ W_xo + H @ W_ho + b_o)
        C_tilde = torch.tanh(X @ W_xc + H @ W_hc + b_c)
        C = F * C + I * C_tilde
        H = O * torch.tanh(C)
        return H, C


CELLS: dict[str, type[Cell]] = {"rnn": RNN, "gru": GRU, "lstm": LSTM}
"""The cell classes by their name in a configuration."""
