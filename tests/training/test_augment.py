"""Augmentation: nothing changes unasked, and what is asked for changes that alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mien.training.batches.augment import augment
from mien.training.recipes.recipe import Augment

SIDE = 24
ALL = Augment(
    flip=True,
    rotate=20,
    scale=0.2,
    shift=0.1,
    brightness=0.2,
    contrast=0.4,
    gamma=0.5,
    shade=0.2,
    sharpen=0.5,
    erase=0.5,
    coarse=0.5,
    noise=0.5,
)
PARTS = [
    Augment(flip=True),
    Augment(coarse=1),
    Augment(rotate=20),
    Augment(scale=0.2),
    Augment(shift=0.1),
    Augment(brightness=0.2),
    Augment(contrast=0.4),
    Augment(erase=1),
    Augment(noise=1),
    Augment(gamma=0.5),
    Augment(shade=0.3),
    Augment(sharpen=1),
]
IDS = [
    "flip",
    "coarse",
    "rotate",
    "scale",
    "shift",
    "brightness",
    "contrast",
    "erase",
    "noise",
    "gamma",
    "shade",
    "sharpen",
]
EACH = 2  # from here on, a batch of equal images becomes a batch of different ones


def changed_by(pixels: Tensor, config: Augment, size: int, generator: torch.Generator) -> Tensor:
    """What `augment` shows of images."""
    return augment(pixels, config, size, generator)[0]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(n: int, low: int = 0, high: int = 256) -> Tensor:
    """n different images."""
    return torch.randint(low, high, (n, 1, SIDE, SIDE), dtype=torch.uint8, generator=seeded(7))


def copies(n: int) -> Tensor:
    """n times the same image, in grays far from black and white."""
    return noise(1, 100, 150).expand(n, -1, -1, -1)


def test_the_defaults_change_nothing() -> None:
    images = noise(4)
    assert torch.allclose(changed_by(images, Augment(), SIDE, seeded()), images.float(), atol=0.01)


@pytest.mark.parametrize("config", [Augment(), *PARTS, ALL], ids=["none", *IDS, "all"])
@pytest.mark.parametrize("size", [16, SIDE, 33])
def test_shape_and_range(config: Augment, size: int) -> None:
    images = noise(32)
    images[:8], images[8:16] = 0, 255
    changed = changed_by(images, config, size, seeded())
    assert changed.shape == (32, 1, size, size)
    assert changed.dtype == torch.float32
    assert changed.min() >= -1e-3
    assert changed.max() <= 255 + 1e-3


@pytest.mark.parametrize("size", [12, 48])
def test_another_size_shows_the_same(size: int) -> None:
    ramp = torch.arange(SIDE, dtype=torch.float32) * 10
    images = ramp.to(torch.uint8).expand(1, 1, SIDE, SIDE)
    changed = changed_by(images, Augment(), size, seeded())
    expected = ((torch.arange(size) + 0.5) * SIDE / size - 0.5).clamp(0, SIDE - 1) * 10
    assert torch.allclose(changed, expected.expand_as(changed), atol=0.01)


@pytest.mark.parametrize("config", [*PARTS, ALL], ids=[*IDS, "all"])
def test_the_same_generator_gives_the_same_images(config: Augment) -> None:
    images = noise(16)
    first = changed_by(images, config, SIDE, seeded(1))
    assert torch.equal(first, changed_by(images, config, SIDE, seeded(1)))
    assert not torch.equal(first, changed_by(images, config, SIDE, seeded(2)))


def test_the_global_generator_has_no_say() -> None:
    torch.manual_seed(0)
    first = changed_by(noise(8), ALL, SIDE, seeded())
    torch.manual_seed(1)
    assert torch.equal(first, changed_by(noise(8), ALL, SIDE, seeded()))


@pytest.mark.parametrize("config", [*PARTS[EACH:], ALL], ids=[*IDS[EACH:], "all"])
def test_each_image_is_changed_in_its_own_way(config: Augment) -> None:
    changed = changed_by(copies(8), config, SIDE, seeded())
    for one in range(8):
        for other in range(one):
            assert not torch.allclose(changed[one], changed[other], atol=0.01)


def test_the_images_given_stay_as_they_are() -> None:
    images = noise(8)
    before = images.clone()
    changed_by(images, ALL, SIDE, seeded())
    assert torch.equal(images, before)


def test_flip_flips_about_half_and_does_nothing_else() -> None:
    images = noise(200)
    changed = changed_by(images, Augment(flip=True), SIDE, seeded())
    same = (changed - images).abs().amax((1, 2, 3)) < 0.01
    mirrored = (changed - images.flip(3)).abs().amax((1, 2, 3)) < 0.01
    assert (same ^ mirrored).all()
    assert 60 < mirrored.sum() < 140


def test_shift_moves_by_at_most_its_share_of_the_side() -> None:
    step = 5
    along = torch.arange(SIDE, dtype=torch.uint8) * step
    for images, across in ((along.expand(100, 1, SIDE, SIDE), 2), (along[:, None].expand(100, 1, SIDE, SIDE), 3)):
        moved = changed_by(images, Augment(shift=0.25), SIDE, seeded()) - images
        inner = moved.movedim(across, 2)[:, 0, 0, 6:-6]  # 6 px from the edge: what was beyond it is not seen
        assert torch.allclose(inner, inner[:, :1].expand_as(inner), atol=0.01)
        pixels = inner[:, 0] / step
        assert pixels.abs().max() <= 0.25 * SIDE + 0.01
        assert pixels.min() < -0.2 * SIDE
        assert pixels.max() > 0.2 * SIDE


@pytest.mark.parametrize(
    ("config", "low", "high"),
    [
        (Augment(rotate=20), 1 / 1.001, 1.001),
        (Augment(scale=0.2), 0.8, 1.2),
        (Augment(rotate=90, scale=0.2), 0.8, 1.2),
        (Augment(rotate=90, flip=True), 1 / 1.001, 1.001),
    ],
)
def test_rotation_keeps_and_scale_changes_the_distance_to_the_centre(config: Augment, low: float, high: float) -> None:
    place = torch.arange(SIDE) - (SIDE - 1) / 2
    distance = (place[:, None].square() + place[None].square()).sqrt()
    images = (10 * distance).round().to(torch.uint8).expand(100, 1, SIDE, SIDE)
    changed = changed_by(images, config, SIDE, seeded()) / 10
    ring = (distance > 5) & (distance < 9)
    ratios = changed[:, 0, ring] / distance[ring]
    means = ratios.mean(1)
    assert (ratios - means[:, None]).abs().max() < 0.03
    assert means.min() >= low - 0.01
    assert means.max() <= high + 0.01
    if config.scale:
        assert means.min() < low + 0.05
        assert means.max() > high - 0.05


@pytest.mark.parametrize("degrees", [0.0, 30.0])
def test_rotation_turns_by_at_most_its_angle(degrees: float) -> None:
    along = (torch.arange(SIDE, dtype=torch.uint8) * 10).expand(100, 1, SIDE, SIDE)
    changed = changed_by(along, Augment(rotate=degrees), SIDE, seeded())
    middle = SIDE // 2
    across = (changed[:, 0, middle + 2, middle] - changed[:, 0, middle - 2, middle]) / 4
    ahead = (changed[:, 0, middle, middle + 2] - changed[:, 0, middle, middle - 2]) / 4
    angles = torch.rad2deg(torch.atan2(across, ahead))
    assert angles.abs().max() <= degrees + 0.5
    assert angles.max() >= 0.9 * degrees - 0.1
    assert angles.min() <= -0.9 * degrees + 0.1


def test_brightness_adds_one_gray_to_each_image() -> None:
    images = copies(100)
    added = changed_by(images, Augment(brightness=0.3), SIDE, seeded()) - images
    assert torch.allclose(added, added.mean((1, 2, 3), keepdim=True).expand_as(added), atol=0.01)
    means = added.mean((1, 2, 3)) / 255
    assert means.abs().max() <= 0.3
    assert means.min() < -0.25
    assert means.max() > 0.25


def test_contrast_keeps_the_mean() -> None:
    images = copies(100)
    changed = changed_by(images, Augment(contrast=0.5), SIDE, seeded())
    assert torch.allclose(changed.mean((1, 2, 3)), images.float().mean((1, 2, 3)), atol=0.01)
    gain = changed.std((1, 2, 3)) / images.float().std((1, 2, 3))
    assert gain.min() == pytest.approx(0.5, abs=0.05)
    assert gain.max() == pytest.approx(1.5, abs=0.05)


def test_gamma_keeps_black_and_white_and_the_order_of_grays() -> None:
    ramp = torch.arange(0, 256, 255 // (SIDE - 1), dtype=torch.uint8)[:SIDE].expand(100, 1, SIDE, SIDE).clone()
    ramp[..., -1] = 255
    changed = changed_by(ramp, Augment(gamma=0.5), SIDE, seeded())[:, 0, 0]
    assert torch.allclose(changed[:, [0, -1]], torch.tensor([0.0, 255.0]), atol=0.01)
    assert (changed.diff(dim=1) > 0).all()
    exponents = torch.log(changed[:, 10] / 255) / torch.log(ramp[0, 0, 0, 10] / 255)
    assert exponents.log().abs().max() <= 0.5 + 0.01
    assert (exponents > 1.4).any()
    assert (exponents < 0.7).any()


def test_shade_is_light_from_one_side() -> None:
    images = torch.full((100, 1, SIDE, SIDE), 128, dtype=torch.uint8)
    added = changed_by(images, Augment(shade=0.4), SIDE, seeded())[:, 0] - 128
    assert added.mean((1, 2)).abs().max() < 0.01
    assert torch.allclose(added.diff(n=2, dim=1), torch.zeros(()), atol=0.01)
    assert torch.allclose(added.diff(n=2, dim=2), torch.zeros(()), atol=0.01)
    assert 0.3 * 255 < added.max() <= 0.4 * 255 + 0.01


def test_sharpen_makes_edges_harder_and_leaves_what_is_flat() -> None:
    images = torch.full((50, 1, SIDE, SIDE), 100, dtype=torch.uint8)
    images[..., SIDE // 2 :] = 150
    changed = changed_by(images, Augment(sharpen=1), SIDE, seeded())
    assert torch.allclose(changed[..., :10], torch.tensor(100.0), atol=0.01)
    rises = changed[:, 0, 5, SIDE // 2] - changed[:, 0, 5, SIDE // 2 - 1]
    assert rises.min() >= 50 - 0.01
    assert rises.max() > 80


def test_erase_fills_one_rectangle_with_one_gray() -> None:
    images = torch.full((200, 1, SIDE, SIDE), 100, dtype=torch.uint8)
    changed = changed_by(images, Augment(erase=1, erase_area=(0.1, 0.2)), SIDE, seeded())
    shares = []
    for image in changed[:, 0]:
        erased = (image - 100).abs() > 0.01
        rows, columns = erased.any(1), erased.any(0)
        assert torch.equal(erased, rows[:, None] & columns[None])
        assert len(image[erased].unique()) <= 1
        assert all(len(torch.unique_consecutive(line)) <= 3 for line in (rows, columns))
        shares.append(erased.float().mean().item())
    assert max(shares) < 0.2 + 2 / SIDE
    assert sum(shares) / len(shares) > 0.05


@pytest.mark.parametrize(("probability", "low", "high"), [(0.0, 0, 0), (0.3, 35, 85), (1.0, 190, 200)])
def test_erase_chooses_its_share_of_images(probability: float, low: int, high: int) -> None:
    images = torch.full((200, 1, SIDE, SIDE), 100, dtype=torch.uint8)
    changed = changed_by(images, Augment(erase=probability), SIDE, seeded())
    assert low <= ((changed - 100).abs() > 0.01).any(3).any(2).sum() <= high


def test_coarse_takes_detail_from_its_share_of_images_and_leaves_the_mean() -> None:
    images = noise(200)
    changed = changed_by(images, Augment(coarse=0.3), SIDE, seeded())
    coarser = changed.std((1, 2, 3)) < 0.9 * images.float().std((1, 2, 3))
    assert 35 <= coarser.sum() <= 85
    assert torch.allclose(changed[~coarser], images[~coarser].float(), atol=0.01)
    assert torch.allclose(changed.mean((1, 2, 3)), images.float().mean((1, 2, 3)), atol=3)


def test_noise_is_of_another_amount_on_each_of_its_share_of_images() -> None:
    images = copies(200)
    added = (changed_by(images, Augment(noise=0.5), SIDE, seeded()) - images).std((1, 2, 3))
    assert 75 <= (added < 0.01).sum() <= 125
    assert 0.9 * 24 < added.max() < 1.1 * 24
    louder = changed_by(images, Augment(noise=0.5, noise_most=40), SIDE, seeded()) - images
    assert torch.allclose(louder.std((1, 2, 3)), added * 40 / 24, rtol=0.1, atol=0.01)
    assert len(added[added > 0.01].unique()) > 50


def test_noise_and_coarseness_of_enlarged_images_are_those_of_their_own_size() -> None:
    images = noise(200, 100, 150)
    plain = changed_by(images, Augment(), 2 * SIDE, seeded())
    added = changed_by(images, Augment(noise=1), 2 * SIDE, seeded()) - plain
    beside = (added[..., 1:] * added[..., :-1]).mean() / added.square().mean()
    assert beside > 0.4  # 0 if every pixel had its own
    own = changed_by(images, Augment(coarse=1), SIDE, seeded())
    enlarged = changed_by(images, Augment(coarse=1), 2 * SIDE, seeded())
    assert enlarged.std() == pytest.approx(own.std().item(), rel=0.2)


def test_what_was_clear_is_cropped_alike_and_not_spoilt() -> None:
    images, move = noise(16), Augment(flip=True, rotate=20, scale=0.2, shift=0.1)
    seen, clear = augment(images, ALL, 2 * SIDE, seeded())
    moved, unspoilt = augment(images, move, 2 * SIDE, seeded())
    assert torch.equal(clear, moved)
    assert torch.equal(unspoilt, moved)
    assert ((seen - clear).abs().amax((1, 2, 3)) > 5).sum() >= 14
