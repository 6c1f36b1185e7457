"""Muon (Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024).

A kernel's step is its momentum with all singular values made about equal, so that rare directions learn as fast as
frequent ones. Steps are as long as AdamW's would be (Liu et al., "Muon is scalable for LLM training", 2025). All else
(biases, normalisation, dense layers, kernels that see one channel) takes Adam's at the same rate.

Kernels of one shape are worked on together, and all that takes Adam's steps too: to a GPU, hundreds of small products
are a matter of starting them.
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
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            if not group["kernels"]:
                self._adam(parameters, group)
                continue
            for shape in dict.fromkeys(kernel.shape for kernel in parameters):
                self._orthogonal([kernel for kernel in parameters if kernel.shape == shape], group)

    def _orthogonal(self, kernels: list[Tensor], group: dict[str, Any]) -> None:
        for kernel in kernels:
            if not self.state[kernel]:
                self.state[kernel]["mean"] = torch.zeros_like(kernel)
        gradients = torch.stack([_gradient(kernel) for kernel in kernels])
        means = torch.stack([self.state[kernel]["mean"] for kernel in kernels])
        means = hardshrink(means.lerp_(gradients, 1 - group["momentum"]), FAINTEST)
        matrices = gradients.lerp_(means, group["momentum"]).flatten(2)
        steps = orthogonalised(matrices.to(self._dtype)).to(kernels[0].dtype).reshape(gradients.shape)
        length = group["lr"] * LENGTH * max(matrices.shape[1:]) ** 0.5
        for kernel, mean, step in zip(kernels, means, steps, strict=True):
            self.state[kernel]["mean"] = mean.clone()
            kernel.mul_(1 - group["lr"] * group["weight_decay"])
            kernel.add_(step, alpha=-length)

    def _adam(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        if not parameters:
            return
        for each in parameters:
            if not self.state[each]:
                self.state[each] |= {"step": 0, "mean": torch.zeros_like(each), "square": torch.zeros_like(each)}
            self.state[each]["step"] += 1
        states, gradients = [self.state[each] for each in parameters], [_gradient(each) for each in parameters]
        means, squares = [state["mean"] for state in states], [state["square"] for state in states]
        first, second = ADAM_BETAS
        torch._foreach_lerp_(means, gradients, 1 - first)
        torch._foreach_lerp_(squares, torch._foreach_mul(gradients, gradients), 1 - second)
        roots = torch._foreach_sqrt(torch._foreach_div(squares, [1 - second ** state["step"] for state in states]))
        torch._foreach_add_(roots, EPSILON)
        unbiased = torch._foreach_div(means, [1 - first ** state["step"] for state in states])
        torch._foreach_addcdiv_(parameters, unbiased, roots, -group["lr"])


def _gradient(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


def orthogonalised(matrices: Tensor) -> Tensor:
    """About the nearest matrices whose singular values are all 1.

    Those above 0.2% of the matrix's norm come out between about 0.7 and 1.2; smaller ones grow up to 485 times.

    Shape: (..., n, m) -> (..., n, m).
    """
    a, b, c = POLYNOMIAL
    tall = matrices.shape[-2] > matrices.shape[-1]
    x: Tensor = matrices.mT if tall else matrices
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) + EPSILON)
    for _ in range(ROUNDS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x.mT if tall else x
