"""The book's equations in NumPy, independent of the engine, as references for its tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def gru(X: Array, H: Array, W_x: Array, W_h: Array, b: Array) -> tuple[Array, Array]:
    """The book's GRU (reset before the product) along X (T, B, inputs), gates in the order r, z, h."""
    outputs = []
    W_xr, W_xz, W_xh = np.split(W_x, 3, axis=1)
    W_hr, W_hz, W_hh = np.split(W_h, 3, axis=1)
    b_r, b_z, b_h = np.split(b, 3)
    for X_t in X:
        R = sigmoid(X_t @ W_xr + H @ W_hr + b_r)
        Z = sigmoid(X_t @ W_xz + H @ W_hz + b_z)
        H_tilde = np.tanh(X_t @ W_xh + (R * H) @ W_hh + b_h)
        H = Z * H + (1 - Z) * H_tilde
        outputs.append(H)
    return np.stack(outputs), H


def random_windows(length: int, num_steps: int) -> set[int]:
    """Return the starts of the windows of random sampling."""
    return {start for start in range(0, length, num_steps) if start + num_steps + 1 <= length}


class ScratchTraining:
    """The book's training of a scratch RNN or LSTM in NumPy: forward, backward, clipping and SGD.

    The backward pass applies the equations step by step and gate by gate. It shares nothing with the engine but the
    initial weights (gates side by side: h, or i, f, o, c).
    """

    def __init__(self, weights: dict[str, Array], learning_rate: float, clip_norm: float) -> None:
        self.weights = {name: weight.copy() for name, weight in weights.items()}
        self.learning_rate, self.clip_norm = learning_rate, clip_norm
        self.lstm = weights["W_x"].shape[1] == 4 * weights["W_h"].shape[0]

    def minibatch(self, X: NDArray[np.int64], Y: NDArray[np.int64], state: list[Array]) -> tuple[float, list[Array]]:
        """Train on X and Y (batch_size, num_steps); return the mean cross-entropy and the state to carry on."""
        w, T, n = self.weights, X.shape[1], X.size
        h = w["W_h"].shape[0]
        H, C = state[0], state[-1]
        steps: list[dict[str, Array]] = []
        loss = 0.0
        for t in range(T):
            step = {"H_before": H, "C_before": C}
            A = w["W_x"][X[:, t]] + H @ w["W_h"] + w["b"]
            if self.lstm:
                step["I"], step["F"], step["O"] = (sigmoid(A[:, k * h : (k + 1) * h]) for k in range(3))
                step["C_tilde"] = np.tanh(A[:, 3 * h :])
                step["C"] = C = step["F"] * C + step["I"] * step["C_tilde"]
                H = step["O"] * np.tanh(C)
            else:
                H = np.tanh(A)
            step["H"] = H
            logits = H @ w["W_hq"] + w["b_q"]
            P = np.exp(logits - logits.max(1, keepdims=True))
            P /= P.sum(1, keepdims=True)
            rows = np.arange(len(X))
            loss -= np.log(P[rows, Y[:, t]]).sum() / n
            P[rows, Y[:, t]] -= 1
            step["dO"] = P / n
            steps.append(step)

        grads = {name: np.zeros_like(weight) for name, weight in w.items()}
        dH_later, dC_later = np.zeros_like(H), np.zeros_like(H)
        for t in reversed(range(T)):
            step = steps[t]
            grads["W_hq"] += step["H"].T @ step["dO"]
            grads["b_q"] += step["dO"].sum(0)
            dH = step["dO"] @ w["W_hq"].T + dH_later
            if self.lstm:
                I, F, O, C_tilde = step["I"], step["F"], step["O"], step["C_tilde"]
                tanh_C = np.tanh(step["C"])
                dC = dC_later + dH * O * (1 - tanh_C**2)
                dA = np.concatenate(
                    [
                        dC * C_tilde * I * (1 - I),
                        dC * step["C_before"] * F * (1 - F),
                        dH * tanh_C * O * (1 - O),
                        dC * I * (1 - C_tilde**2),
                    ],
                    axis=1,
                )
                dC_later = dC * F
            else:
                dA = dH * (1 - step["H"] ** 2)
            np.add.at(grads["W_x"], X[:, t], dA)
            grads["W_h"] += step["H_before"].T @ dA
            grads["b"] += dA.sum(0)
            dH_later = dA @ w["W_h"].T

        norm = np.sqrt(sum((grad**2).sum() for grad in grads.values()))
        scale = min(1.0, self.clip_norm / norm)
        for name, grad in grads.items():
            w[name] -= self.learning_rate * scale * grad
        return float(loss), [H, C] if self.lstm else [H]
