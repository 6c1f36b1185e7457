"""Distillation: a student follows its teachers."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from drawn import write_folder

import mien
from mien.datasets import open_dataset
from mien.errors import DataError, MienError, RecipeError
from mien.training.batches.batches import Batch, batches, steps_of
from mien.training.batches.data import Split, load_splits, prepare
from mien.training.batches.targets import loss
from mien.training.export.export import export
from mien.training.learning.checkpoint import Run
from mien.training.learning.loop import Progress, train
from mien.training.learning.member import find_member
from mien.training.learning.start import find_start
from mien.training.learning.teacher import OnnxTeacher, Teacher, TorchTeacher
from mien.training.machines.processes import Processes, processes
from mien.training.recipes.recipe import Augment, Heads, Recipe, Residual

CPU = torch.device("cpu")


def halved(recipe: Recipe, *, flip: bool = False) -> Recipe:
    augment = recipe.augment.model_copy(update={"flip": flip})
    return recipe.model_copy(update={"distill": 0.5, "augment": augment})


def stop(where: Progress) -> None:
    if where.epoch == 1:
        raise KeyboardInterrupt


def every(split: Split) -> torch.Tensor:
    """All of its crops."""
    return split.crops.of(torch.arange(len(split)))


@pytest.fixture
def teacher(run: Run, tmp_path: Path) -> Path:
    return export([run.folder], tmp_path / "teacher").folder


@pytest.fixture
def wordless(tiny: Recipe) -> Recipe:
    """A recipe whose labels say nothing: every emotion is as good as another."""
    head = tiny.heads.labels
    assert head
    return tiny.model_copy(update={"heads": Heads(labels=head.model_copy(update={"smoothing": 1.0}))})


@pytest.mark.parametrize("form", ["int8", "mirror", "averaged", "enlarged", "run"])
def test_a_student_learns_from_its_teacher_alone(
    run: Run, wordless: Recipe, happy_sad: Path, form: str, tmp_path: Path
) -> None:
    runs, data = [run.folder], open_dataset(happy_sad)
    if form == "averaged":
        runs *= 2
    if form == "enlarged":
        schedule = run.recipe().schedule.model_copy(update={"sizes": ()})
        larger = run.recipe().model_copy(update={"resolution": 32, "schedule": schedule})
        runs = [train(larger, data, tmp_path / "larger").folder]
    if form == "run":
        teacher = run.folder
    else:
        teacher = export(runs, tmp_path / "teacher", int8=form == "int8", mirror=form == "mirror").folder
    schedule = wordless.schedule.model_copy(update={"epochs": 12})  # in half of them it may have learned nothing yet
    recipe = wordless.model_copy(update={"distill": 1.0, "schedule": schedule})
    student = train(recipe, data, tmp_path / "run", teachers=[teacher])
    assert max(entry["valid"]["happy-sad"] for entry in student.read_log()) >= 0.7  # chance: 0.5
    assert [len(sha256) for sha256 in student.data()["teachers"]] == [64]
    if form == "run":
        model = export([student.folder], tmp_path / "model")
        assert "learned from the answers of other networks" in model.card
        assert model.manifest.runs[0]["teachers"] == student.data()["teachers"]


def test_a_teacher_sees_what_the_student_sees(teacher: Path, tiny: Recipe, happy_sad: Path) -> None:
    model = mien.load(teacher)
    training, _ = load_splits(tiny, prepare(open_dataset(happy_sad), tiny), CPU, lambda _: None)
    told = torch.from_numpy(model.logits(list(every(training)[:, 0].numpy()))["happy-sad"])
    network = Teacher([teacher], halved(tiny), training)
    ours = {"happy-sad": torch.zeros(len(training), 2)}
    batch = Batch(every(training).float(), training.targets)
    taught = network.loss(ours, batch) - 0.5 * loss(ours, batch.targets)
    wanted = 0.5 * -(told.softmax(1) * ours["happy-sad"].log_softmax(1)).sum(1).mean()
    assert taught.item() == pytest.approx(wanted.item(), abs=1e-4)
    smaller = torch.nn.functional.interpolate(every(training).float(), (24, 24))
    assert network.loss(ours, replace(batch, pixels=smaller)).item() > 0


@pytest.mark.parametrize("resolution", [None, 32])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_network_teaches_what_its_model_teaches(
    run: Run, happy_sad: Path, resolution: int | None, mirrored: bool, tmp_path: Path
) -> None:
    recipe = run.recipe()
    changes = {
        "network": Residual(widths=(16, 16), blocks=(1, 1), attention=(False, True), mirrored=mirrored),
        "resolution": resolution,
        "schedule": recipe.schedule.model_copy(update={"epochs": 2, "sizes": ()}),
    }
    trained = train(recipe.model_copy(update=changes), open_dataset(happy_sad), tmp_path / "run")
    model = export([trained.folder], tmp_path / "model")
    training, _ = load_splits(recipe, prepare(open_dataset(happy_sad), recipe), CPU, lambda _: None)
    wanted = OnnxTeacher(model)
    networks = [TorchTeacher(find_member(name), CPU) for name in (trained.folder, model.folder)]
    assert [network.sha256 for network in networks] == [trained.best_sha256(), wanted.sha256]
    for side in (recipe.size, 40):
        pixels = torch.nn.functional.interpolate(every(training).float(), (side, side), mode="bilinear")
        for network in networks:
            assert network.heads == wanted.heads
            assert torch.allclose(network(pixels)["happy-sad"], wanted(pixels)["happy-sad"], atol=0.02)


def test_a_network_lacks_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    start = find_start("small")
    some = replace(start, weights=dict(list(start.weights.items())[:20]))
    monkeypatch.setattr("mien.training.learning.member.find_start", lambda _: some)
    with pytest.raises(MienError, match=r"small: only \d+ of its 68 weights were found"):
        TorchTeacher(find_member("small"), CPU)


def test_a_model_sees_the_nearest_whole_pixels() -> None:
    teacher = OnnxTeacher(mien.load("small").artifact)
    pixels = torch.randint(1, 255, (3, 1, 48, 48), generator=torch.Generator().manual_seed(0)).float()
    whole = teacher(pixels)["ferplus8"]
    for near in (-0.4, 0.4):
        assert torch.equal(teacher(pixels + near)["ferplus8"], whole)
    assert not torch.equal(teacher(pixels + 0.6)["ferplus8"], whole)


def test_several_teachers_take_turns(run: Run, teacher: Path, tiny: Recipe, happy_sad: Path, tmp_path: Path) -> None:
    training, _ = load_splits(tiny, prepare(open_dataset(happy_sad), tiny), CPU, lambda _: None)
    other = export([run.folder], tmp_path / "other", mirror=True).folder
    logits = {"happy-sad": torch.linspace(-2, 2, 2 * len(training)).reshape(-1, 2)}

    def losses(*teachers: Path, times: int = 1) -> list[float]:
        network, batch = Teacher(teachers, halved(tiny), training), Batch(every(training), training.targets)
        return [network.loss(logits, replace(batch, draw=turn / times)).item() for turn in range(times)]

    alone = losses(teacher) + losses(other)
    assert alone[0] != alone[1]
    assert losses(teacher, other, times=4) == [alone[0], alone[0], alone[1], alone[1]]


def test_where_images_are_mirrored_a_teacher_answers_to_both_sides(
    teacher: Path, tiny: Recipe, happy_sad: Path
) -> None:
    training, _ = load_splits(tiny, prepare(open_dataset(happy_sad), tiny), CPU, lambda _: None)
    logits, pixels = {"happy-sad": torch.linspace(-2, 2, 2 * len(training)).reshape(-1, 2)}, every(training).float()
    plain = Teacher([teacher], halved(tiny), training)
    sides = [plain.loss(logits, Batch(side, training.targets)).item() for side in (pixels, pixels.flip(3))]
    assert sides[0] != sides[1]
    network = Teacher([teacher], halved(tiny, flip=True), training)
    assert [network.loss(logits, Batch(pixels, training.targets, draw=draw)).item() for draw in (0.2, 0.7)] == sides


def test_of_what_is_hidden_votes_and_labels_count_alone(teacher: Path, tiny: Recipe, happy_sad: Path) -> None:
    training, _ = load_splits(tiny, prepare(open_dataset(happy_sad), tiny), CPU, lambda _: None)
    logits = {"happy-sad": torch.linspace(-2, 2, 2 * len(training)).reshape(-1, 2)}
    network, batch = Teacher([teacher], halved(tiny), training), Batch(every(training), training.targets)
    own, taught = loss(logits, batch.targets), network.loss(logits, batch)
    none, all_of_them = torch.zeros(len(training), dtype=torch.bool), torch.ones(len(training), dtype=torch.bool)
    assert network.loss(logits, replace(batch, whole=none)).item() == pytest.approx(own.item())
    assert network.loss(logits, replace(batch, whole=all_of_them)).item() == pytest.approx(taught.item())
    assert taught.item() != pytest.approx(own.item())


def test_views_that_come_again_are_answered_once(
    teacher: Path, tiny: Recipe, happy_sad: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    answers = OnnxTeacher._answers

    def spy(self: OnnxTeacher, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        asked.append(len(pixels))
        return answers(self, pixels)

    monkeypatch.setattr(OnnxTeacher, "_answers", spy)
    recipe, data = halved(tiny), open_dataset(happy_sad)
    again = recipe.model_copy(
        update={
            "augment": recipe.augment.model_copy(update={"views": 2}),
            "schedule": recipe.schedule.model_copy(update={"epochs": 6}),
        }
    )
    whole = train(again, data, tmp_path / "whole", teachers=[teacher])
    once = len(asked)
    views = 2 * len(again.schedule.sizes)
    assert once == views * steps_of(load_splits(again, prepare(data, again), CPU, lambda _: None)[0], again)
    with pytest.raises(KeyboardInterrupt):
        train(again, data, tmp_path / "run", teachers=[teacher], progress=stop)
    ended = train(again, data, tmp_path / "run", teachers=[teacher], resume=True)
    assert len(asked) == 2 * once + 1  # the epoch that was cut off after one batch begins anew
    assert ended.best_sha256() == whole.best_sha256()


def test_a_run_that_begins_anew_asks_its_teachers_anew(
    teacher: Path, tiny: Recipe, happy_sad: Path, tmp_path: Path
) -> None:
    """What was answered in a folder whose run was killed in its first epoch may be another teacher's."""
    recipe, data = halved(tiny), open_dataset(happy_sad)
    again = recipe.model_copy(update={"augment": recipe.augment.model_copy(update={"views": 2})})
    fresh = train(again, data, tmp_path / "fresh", teachers=[teacher])
    left = tmp_path / "run"
    left.mkdir()
    answers = torch.load(fresh.folder / "answers.0-of-1.pt", weights_only=True)
    wrong = {place: {name: -answer for name, answer in each.items()} for place, each in answers.items()}
    for name in ("answers.0-of-1.pt", "answers.1-of-2.pt"):
        torch.save(wrong, left / name)
    assert train(again, data, left, teachers=[teacher]).best_sha256() == fresh.best_sha256()
    assert [path.name for path in left.glob("answers.*")] == ["answers.0-of-1.pt"]


def test_where_mixup_ends_other_views_begin(tiny: Recipe, happy_sad: Path) -> None:
    """Of six epochs four lay faces over each other, in two ways, and two do not, in two other ways."""
    recipe = tiny.model_copy(
        update={
            "augment": tiny.augment.model_copy(update={"views": 2, "mixup": 0.4, "mixup_until": 4 / 6}),
            "schedule": tiny.schedule.model_copy(update={"epochs": 6, "sizes": ()}),
        }
    )
    training, _ = load_splits(recipe, prepare(open_dataset(happy_sad), recipe), CPU, lambda _: None)
    with processes("cpu") as ours:
        epochs = [list(batches(training, recipe, epoch, ours)) for epoch in range(6)]
    assert [first.place for first, *_ in epochs] == [(0, 0), (1, 0), (0, 0), (1, 0), (2, 0), (3, 0)]
    assert torch.equal(epochs[0][0].pixels, epochs[2][0].pixels)
    kinds = [len(torch.cat([batch.targets["happy-sad"].distribution for batch in epoch]).unique()) for epoch in epochs]
    assert [kind > 2 for kind in kinds] == [True] * 4 + [False] * 2


def test_where_another_size_begins_other_views_begin(tiny: Recipe, happy_sad: Path) -> None:
    """What teachers said of a smaller view does not stand for a larger one."""
    recipe = tiny.model_copy(
        update={
            "augment": tiny.augment.model_copy(update={"views": 2}),
            "schedule": tiny.schedule.model_copy(update={"epochs": 8, "sizes": ((0.0, 20), (0.5, 24))}),
        }
    )
    training, _ = load_splits(recipe, prepare(open_dataset(happy_sad), recipe), CPU, lambda _: None)
    with processes("cpu") as ours:
        epochs = [list(batches(training, recipe, epoch, ours)) for epoch in range(8)]
    assert [first.place for first, *_ in epochs] == [(view, 0) for view in (0, 1, 0, 1, 2, 3, 2, 3)]
    for one, other in ((0, 2), (5, 7)):
        assert all(
            torch.equal(*(each.pixels for each in pair)) for pair in zip(epochs[one], epochs[other], strict=True)
        )


def test_an_answer_is_the_same_before_and_after_it_was_kept(
    teacher: Path, tiny: Recipe, happy_sad: Path, tmp_path: Path
) -> None:
    """A run that is killed after its answers were kept, and before its epoch was, hears them anew in that epoch."""
    training, _ = load_splits(tiny, prepare(open_dataset(happy_sad), tiny), CPU, lambda _: None)
    batch = Batch(every(training).float(), training.targets, place=(0, 0))
    network, again = (Teacher([teacher], halved(tiny), training) for _ in range(2))
    asked = network._answers(batch)["happy-sad"]
    network.keep(tmp_path / "answers.pt")
    again.remember(tmp_path / "answers.pt")
    assert asked.dtype == torch.float32
    for told in (network, again):
        assert torch.equal(told._answers(batch)["happy-sad"], asked)


@pytest.mark.parametrize("covered", [False, True])
def test_of_what_teachers_say_the_mean_of_the_parts_losses_is_the_loss(
    covered: bool, teacher: Path, tiny: Recipe, happy_sad: Path
) -> None:
    """Parts of five images are of two and of three."""
    augment, schedule = tiny.augment.model_copy(update={"cover": 0.5 * covered}), {"batch": 5, "sizes": ()}
    update = {"augment": augment, "schedule": tiny.schedule.model_copy(update=schedule), "distill": 0.5}
    recipe = tiny.model_copy(update=update)
    training, _ = load_splits(recipe, prepare(open_dataset(happy_sad), recipe), CPU, lambda _: None)
    target = training.targets["happy-sad"]
    training = replace(
        training, targets={"happy-sad": replace(target, mask=(torch.arange(len(training)) % 3 > 0).float())}
    )
    network = Teacher([teacher], recipe, training)

    def losses(ours: Processes) -> torch.Tensor:
        told = list[torch.Tensor]()
        for batch in islice(batches(training, recipe, 0, ours), 6):
            rows = torch.linspace(-2, 2, 10).square().reshape(5, 2)[ours.part(5)]
            alike = replace(batch, pixels=torch.zeros_like(batch.pixels))  # covers differ, see docs/large.md
            told.append(network.loss({"happy-sad": rows}, alike))
        return torch.stack(told)

    parts = torch.stack([losses(Processes(CPU, rank, 2)) for rank in range(2)])
    torch.testing.assert_close(parts.mean(0), losses(Processes(CPU)))


@pytest.mark.parametrize("mixup", [0.0, 0.4])
def test_what_is_clear_comes_again_and_what_spoils_it_is_new(mixup: float, tiny: Recipe, happy_sad: Path) -> None:
    augment = Augment(flip=True, shift=0.1, noise=1.0, views=2, mixup=mixup)
    schedule = tiny.schedule.model_copy(update={"epochs": 6, "sizes": ()})
    recipe = tiny.model_copy(update={"shown": "clear", "augment": augment, "schedule": schedule})
    training, _ = load_splits(recipe, prepare(open_dataset(happy_sad), recipe), CPU, lambda _: None)
    with processes("cpu") as ours:
        once, other, again = (list(batches(training, recipe, epoch, ours)) for epoch in range(3))
        for one, two in zip(once, batches(training, recipe, 0, ours), strict=True):
            assert torch.equal(one.pixels, two.pixels)
    assert [batch.place for batch in once] == [batch.place for batch in again]
    for one, two, three in zip(once, again, other, strict=True):
        assert one.clear is not None
        assert two.clear is not None
        assert three.clear is not None
        assert torch.equal(one.clear, two.clear)
        assert not torch.equal(one.pixels, two.pixels)
        assert not torch.equal(one.clear, three.clear)


@pytest.mark.parametrize("mixup", [0.0, 0.4])
def test_teachers_may_be_shown_what_was_clear(mixup: float, teacher: Path, tiny: Recipe, happy_sad: Path) -> None:
    """Noise comes over what the student sees; the teacher answers to the same crops without it, mixed alike."""

    def first(shown: str, noise: float) -> Batch:
        augment = Augment(flip=True, shift=0.1, noise=noise, noise_most=80, mixup=mixup)
        with processes("cpu") as ours:
            return next(batches(training, tiny.model_copy(update={"shown": shown, "augment": augment}), 0, ours))

    training, _ = load_splits(tiny, prepare(open_dataset(happy_sad), tiny), CPU, lambda _: None)
    spoilt, unspoilt = first("clear", 1.0), first("same", 0.0)
    assert unspoilt.clear is None
    assert spoilt.clear is not None
    assert torch.equal(spoilt.clear, unspoilt.pixels)
    assert (spoilt.pixels - spoilt.clear).std() > 20
    network = Teacher([teacher], halved(tiny), training)
    answers = [network._answers(batch)["happy-sad"] for batch in (spoilt, unspoilt, replace(spoilt, clear=None))]
    assert torch.equal(answers[0], answers[1])
    assert not torch.allclose(answers[0], answers[2], atol=0.05)


def test_a_head_without_a_teacher_keeps_its_loss(teacher: Path, tiny: Recipe, happy_sad: Path) -> None:
    training, _ = load_splits(tiny, prepare(open_dataset(happy_sad), tiny), CPU, lambda _: None)
    other = {"face": training.targets["happy-sad"]}
    network = Teacher([teacher], tiny.model_copy(update={"distill": 1.0}), training)
    logits = {"face": torch.randn(len(training), 2)}
    assert network.loss(logits, Batch(every(training), other)).item() == pytest.approx(loss(logits, other).item())


def test_and_without_one_there_is_nothing_to_learn(wordless: Recipe, happy_sad: Path) -> None:
    training, _ = load_splits(wordless, prepare(open_dataset(happy_sad), wordless), CPU, lambda _: None)
    assert training.targets["happy-sad"].distribution.unique().tolist() == [0.5]


def test_a_share_of_nothing_needs_no_teacher_and_a_teacher_needs_a_share(
    teacher: Path, tiny: Recipe, happy_sad: Path, tmp_path: Path
) -> None:
    data = open_dataset(happy_sad)
    with pytest.raises(RecipeError, match="needs teachers"):
        train(halved(tiny), data, tmp_path / "a")
    with pytest.raises(RecipeError, match="is needed, where there are teachers"):
        train(tiny, data, tmp_path / "b", teachers=[teacher])


def test_a_teacher_of_something_else(teacher: Path, tiny: Recipe, tmp_path: Path) -> None:
    data = open_dataset(write_folder(tmp_path / "three", ("happy", "sad", "angry"), 4))
    with pytest.raises(MienError, match="cannot teach this: it has learned from gray images for happy-sad"):
        train(halved(tiny), data, tmp_path / "a", teachers=[teacher])
    with pytest.raises(MienError, match="no model 'nobody'"):
        train(halved(tiny), data, tmp_path / "a", teachers=["nobody"])


def test_the_teachers_stay_the_same(run: Run, teacher: Path, tiny: Recipe, happy_sad: Path, tmp_path: Path) -> None:
    recipe, data = halved(tiny), open_dataset(happy_sad)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, data, tmp_path / "run", teachers=[teacher], progress=stop)
    other = export([run.folder], tmp_path / "other", mirror=True).folder
    with pytest.raises(DataError, match="was begun with other"):
        train(recipe, data, tmp_path / "run", teachers=[other], resume=True)
    ended = train(recipe, data, tmp_path / "run", teachers=[teacher], resume=True)
    assert len(ended.read_log()) == tiny.schedule.epochs
