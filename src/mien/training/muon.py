"""Muon (Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024).

A kernel's step is its momentum with all singular values made about equal, so that rare directions learn as fast as
frequent ones. Steps are as long as AdamW's would be (Liu et al., "Muon is scalable for LLM training", 2025). All else
(biases, normalisation, dense layers, kernels that see one channel) takes Adam's at the same rate.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import hardshrink

POLYNOMIAL = (3.4445, -4.7750, 2.0315)  # of Jordan et al.
ROUNDS = 5
LENGTH = 0.2  # root mean square of AdamW's steps, at a rate of 1 (Liu et al.)
ADAM_BETAS = (0.9, 0.95)
EPSILON = 1e-8
FAINTEST = 1e-30
"""Means of gradients up to this are 0. Those of channels that died fade into subnormal numbers, with which processors
take a hundred times as long: without this, after 35 epochs an epoch of `recipes/solo.toml` took 104 seconds for 41."""


class Muon(torch.optim.Optimizer):
    """Orthogonal steps for kernels, Adam's for all else.

    Args:
        kernels: (outputs, inputs, height, width), each a matrix with a row an output.
        others: of any shape; they do not decay.
        lr: rate of both.
        momentum: share of a kernel's running mean of gradients that a step keeps, with Nesterov's look ahead.
        weight_decay: share of a kernel that goes in a step, times `lr`.
        half: whether the products are of bfloat16.
    """

    def __init__(
        self,
        kernels: Iterable[Tensor],
        others: Iterable[Tensor],
        lr: float,
        momentum: float,
        weight_decay: float,
        half: bool,
    ) -> None:
        self._dtype = torch.bfloat16 if half else torch.float32
        groups: list[dict[str, Any]] = [
            {"params": list(kernels), "kernels": True},
            {"params": list(others), "kernels": False},
        ]
        super().__init__(groups, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """One step along the gradients; parameters without one stay."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    (self._orthogonal if group["kernels"] else self._adam)(parameter, parameter.grad, group)

    def _orthogonal(self, kernel: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[kernel]
        if not state:
            state["mean"] = torch.zeros_like(kernel)
        mean = hardshrink(state["mean"].lerp(gradient, 1 - group["momentum"]), FAINTEST)
        state["mean"] = mean
        matrix = gradient.lerp(mean, group["momentum"]).reshape(len(kernel), -1)
        step = orthogonalised(matrix.to(self._dtype)).to(kernel.dtype)
        kernel.mul_(1 - group["lr"] * group["weight_decay"])
        kernel.add_(step.reshape(kernel.shape), alpha=-group["lr"] * LENGTH * max(matrix.shape) ** 0.5)

    def _adam(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state |= {"step": 0, "mean": torch.zeros_like(parameter), "square": torch.zeros_like(parameter)}
        state["step"] += 1
        first, second = ADAM_BETAS
        mean = state["mean"].lerp_(gradient, 1 - first) / (1 - first ** state["step"])
        square = state["square"].lerp_(gradient.square(), 1 - second) / (1 - second ** state["step"])
        parameter.addcdiv_(mean, square.sqrt_().add_(EPSILON), value=-group["lr"])


def orthogonalised(matrix: Tensor) -> Tensor:
    """About the nearest matrix whose singular values are all 1.

    Those above 0.2% of the matrix's norm come out between about 0.7 and 1.2; smaller ones grow up to 485 times.

    Shape: (n, m) -> (n, m).
    """
    a, b, c = POLYNOMIAL
    tall = matrix.shape[0] > matrix.shape[1]
    x: Tensor = matrix.T if tall else matrix
    x = x / (x.norm() + EPSILON)
    for _ in range(ROUNDS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if tall else x
