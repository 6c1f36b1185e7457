"""Muon: orthogonal steps for kernels, AdamW's for all else."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from mien.training.learning.muon import Muon, orthogonalised
from mien.training.learning.optimiser import make_optimiser
from mien.training.networks.network import build
from mien.training.recipes.recipe import Mobile, Orthogonal, Recipe


def kernel(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(shape, generator=torch.Generator().manual_seed(len(shape))))


def muon(kernels: list[nn.Parameter], others: list[nn.Parameter], lr: float = 0.1, decay: float = 0.0) -> Muon:
    return Muon(kernels, others, lr=lr, momentum=0.95, weight_decay=decay, half=False)


def singular_values(matrix: Tensor) -> Tensor:
    values: Tensor = torch.linalg.svdvals(matrix)
    return values


@pytest.mark.parametrize("shape", [(8, 8), (16, 144), (144, 16), (1, 9)])
def test_singular_values_become_about_one(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values = singular_values(orthogonalised(matrix))
    assert values.min() > 0.3
    assert values.max() < 1.3
    assert values.max() / values.min() < singular_values(matrix).max() / singular_values(matrix).min() or 1 in shape


def test_its_directions_stay() -> None:
    matrix = torch.randn(6, 40, generator=torch.Generator().manual_seed(1))
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    turned = left.T @ orthogonalised(matrix) @ right.T
    assert torch.allclose(turned, torch.diag(turned.diagonal()), atol=1e-4)
    assert (turned.diagonal() > 0).all()


def test_a_step_of_a_kernel_is_as_long_as_adamws_whatever_the_gradient() -> None:
    for size in (1e-4, 1.0, 1e4):
        weights = kernel(32, 16, 3, 3)
        before = weights.detach().clone()
        weights.grad = size * torch.randn(weights.shape, generator=torch.Generator().manual_seed(5))
        muon([weights], [], lr=0.1).step()
        assert (weights - before).square().mean().sqrt().item() == pytest.approx(0.2 * 0.1, rel=0.25)
        assert ((weights - before) * weights.grad).sum() < 0


def test_what_a_channel_that_died_once_learned_does_not_fade_into_subnormal_numbers() -> None:
    weights = kernel(8, 4, 3, 3)
    optimiser = muon([weights], [])
    weights.grad = torch.randn(weights.shape, generator=torch.Generator().manual_seed(6))
    optimiser.step()
    weights.grad = torch.randn(weights.shape, generator=torch.Generator().manual_seed(7))
    weights.grad[3] = 0
    for _ in range(1_700):  # 0.95 to this power is 1e-38
        optimiser.step()
    mean = optimiser.state[weights]["mean"]
    assert (mean[3] == 0).all()
    assert (mean.abs()[[0, 1, 2, 4, 5, 6, 7]] > 0).all()


def test_without_a_gradient_kernels_only_decay() -> None:
    weights = kernel(8, 4, 3, 3)
    before = weights.detach().clone()
    weights.grad = torch.zeros_like(weights)
    muon([weights], [], lr=0.1, decay=0.5).step()
    assert torch.allclose(weights, before * (1 - 0.1 * 0.5))


def test_all_else_takes_adamws_steps() -> None:
    ours, theirs = kernel(10), kernel(10)
    one, other = muon([], [ours], lr=0.05, decay=0.5), torch.optim.AdamW([theirs], 0.05, (0.9, 0.95), weight_decay=0.0)
    for step in range(20):
        gradient = torch.randn(10, generator=torch.Generator().manual_seed(step))
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        one.step()
        other.step()
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_together_they_go_where_each_goes_alone() -> None:
    shapes = [(8, 4, 3, 3), (6, 4, 3, 3), (8, 4, 3, 3), (4, 8, 1, 1), (8, 4, 3, 3), (8,), (5, 2), (8,)]
    ours = [nn.Parameter(torch.randn(shape, generator=torch.Generator().manual_seed(9))) for shape in shapes]
    theirs = [nn.Parameter(each.detach().clone()) for each in ours]
    together = muon(ours[:5], ours[5:], decay=0.5)
    alone = [muon([each], [], decay=0.5) if each.ndim == 4 else muon([], [each], decay=0.5) for each in theirs]
    for step in range(4):
        for number, pair in enumerate(zip(ours, theirs, strict=True)):
            gradient = torch.randn(pair[0].shape, generator=torch.Generator().manual_seed(10 * step + number))
            for each in pair:
                each.grad = None if (step, number) in ((1, 2), (2, 6)) else gradient.clone()
        for optimiser in (together, *alone):
            optimiser.step()
    assert all(torch.allclose(*pair, atol=1e-6) for pair in zip(ours, theirs, strict=True))


def test_what_has_no_gradient_stays() -> None:
    weights, bias = kernel(8, 4, 3, 3), kernel(8)
    before = weights.detach().clone(), bias.detach().clone()
    muon([weights], [bias], decay=0.5).step()
    assert torch.equal(weights, before[0])
    assert torch.equal(bias, before[1])


def test_a_restored_optimiser_goes_on_as_the_first() -> None:
    def steps(optimiser: Muon, parameters: list[nn.Parameter], numbers: range) -> None:
        for number in numbers:
            for parameter in parameters:
                parameter.grad = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number))
            optimiser.step()

    ours = [kernel(8, 4, 3, 3), kernel(8)]
    one = muon(ours[:1], ours[1:])
    steps(one, ours, range(3))
    theirs = [nn.Parameter(each.detach().clone()) for each in ours]
    other = muon(theirs[:1], theirs[1:])
    other.load_state_dict(deepcopy(one.state_dict()))
    for optimiser, parameters in ((one, ours), (other, theirs)):
        steps(optimiser, parameters, range(3, 6))
    assert all(torch.equal(*pair) for pair in zip(ours, theirs, strict=True))


def test_kernels_of_one_channel_and_heads_are_no_matrices(tiny: Recipe) -> None:
    network = Mobile(kind="mobile", widths=(8, 16), blocks=(1, 1), expansion=2)
    recipe = tiny.model_copy(update={"network": network, "optimiser": Orthogonal(kind="muon")})
    net = build(recipe, {"happy-sad": 2})
    kernels, others = (group["params"] for group in make_optimiser(net, recipe, False).param_groups)
    assert {each.ndim for each in kernels} == {4}
    assert all(each.shape[1] > 1 for each in kernels)
    assert any(each.ndim == 4 for each in others)
    assert any(each.ndim == 2 for each in others)
    assert len(kernels) + len(others) == len(list(net.parameters()))
