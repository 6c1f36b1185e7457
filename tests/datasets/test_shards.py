"""Parquet shards: an image comes when it is asked for, in any order and on any thread, and few others are kept."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from mien.datasets import Dataset, open_dataset
from mien.datasets.shards import KEPT, MOST, Shard, StoredImage
from mien.errors import DataError, ImageError
from mien.image import read_image
from mien.intake import describe

pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")

Write = Callable[..., Path]


def png(number: int) -> bytes:
    """An image of two pixels that holds a number."""
    from io import BytesIO

    stream = BytesIO()
    Image.fromarray(np.array([divmod(number, 256)], np.uint8)).save(stream, "png")
    return stream.getvalue()


def number(source: Any) -> int:
    high, low = read_image(source)[0, :, 0].astype(int)
    return 256 * int(high) + int(low)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes shards whose images are numbered: `write(5, 3)` has five rows in the first, three in the second."""

    def shards(*sizes: int, images: Callable[[int], Any] = png, **options: Any) -> Path:
        (tmp_path / "data").mkdir()
        first = 0
        for at, size in enumerate(sizes):
            rows = [
                {"Image": {"bytes": images(row), "path": None}, "emotion": row % 7, "usage": "PublicTest"}
                for row in range(first, first + size)
            ]
            table = pa.Table.from_pylist(rows) if rows else pa.table({"image": [], "emotion": [], "usage": []})
            pq.write_table(table, tmp_path / "data" / f"{at}.parquet", **options)
            first += size
        return tmp_path / "data"

    return shards


def sources(dataset: Dataset) -> list[StoredImage]:
    return [cast(StoredImage, example.source) for example in dataset.examples]


def test_no_row(write: Write) -> None:
    with pytest.raises(DataError, match="without a single example"):
        open_dataset(write(0))


@pytest.mark.parametrize("rows_a_group", [1, 2, 3, 100])
def test_every_order_gives_every_image(write: Write, rows_a_group: int) -> None:
    dataset = open_dataset(write(5, 0, 3, row_group_size=rows_a_group))
    found = sources(dataset)
    orders = [list(range(8)), list(reversed(range(8))), random.Random(0).choices(range(8), k=30)]
    for order in orders:
        assert [number(found[row]) for row in order] == order
    assert describe(found[0]) == "<bytes>"
    groups = [source.together[1] for source in found]
    assert all(dict(example.attributes) == {} for example in dataset.examples)
    assert groups == [row // rows_a_group for row in (0, 1, 2, 3, 4, 0, 1, 2)]
    assert len({source.together[0] for source in found}) == 2


def test_whoever_goes_on_reads_each_row_group_once(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    images = Shard.images

    def spy(shard: Shard, group: int) -> Iterator[Any]:
        begun.append(group)
        return images(shard, group)

    monkeypatch.setattr(Shard, "images", spy)
    monkeypatch.setattr("mien.datasets.shards.MOST", 4)
    file = write(60, row_group_size=30)
    found = sources(open_dataset(file))
    assert [number(source) for source in found] == list(range(60))
    assert begun == [0, 1]
    with ThreadPoolExecutor(4) as pool:  # which come in an order that is not quite theirs
        assert list(pool.map(number, sources(open_dataset(file)))) == list(range(60))
    assert len(found[0].shard.reader._kept) == KEPT < 60 // 4 < MOST


def test_few_are_kept_of_an_image_that_repeats(write: Write) -> None:
    """A parquet file has the bytes of such an image once, and tells no more of them."""
    found = sources(open_dataset(write(400, images=lambda row: bytes(100_000))))
    assert len(bytes(found[0])) == 100_000
    assert sum(batch.nbytes for _, _, batch in found[0].shard.reader._kept) < 10_000_000


def test_many_threads_at_once_get_their_own(write: Write) -> None:
    found = sources(open_dataset(write(300, 300, row_group_size=50)))
    order = random.Random(1).sample(range(600), 600)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(number, [found[row] for row in order[:100]])) == order[:100]


@pytest.mark.parametrize("statistics", [True, False])
def test_a_row_without_bytes_is_told(write: Write, statistics: bool) -> None:
    data = write(4, images=lambda row: None if row == 2 else png(row), write_statistics=statistics)
    with pytest.raises(DataError, match=r"row 2: image is a struct that holds the file's bytes, got no bytes"):
        open_dataset(data)


def test_without_statistics_every_row_is_looked_at(write: Write) -> None:
    found = sources(open_dataset(write(4, write_statistics=False)))
    assert [number(source) for source in found] == [0, 1, 2, 3]


def test_images_that_are_no_bytes_are_told(tmp_path: Path) -> None:
    for image, got in (({"bytes": "text"}, "no bytes"), (png(1), "bytes"), ({"path": "a.png"}, "no image bytes")):
        pq.write_table(pa.table({"image": [image], "emotion": [1], "usage": ["test"]}), tmp_path / "a.parquet")
        with pytest.raises(DataError, match=got):
            open_dataset(tmp_path)


def test_a_file_that_is_damaged_or_gone_since_is_a_reason(write: Write) -> None:
    data = write(3, 3)
    first, *_, last = sources(open_dataset(data))
    shards = sorted(data.iterdir())
    shards[0].unlink()
    shards[1].write_bytes(b"PAR1" + bytes(len(shards[1].read_bytes()) - 8) + b"PAR1")
    with pytest.raises(ImageError, match=r"cannot be read from 0\.parquet"):
        read_image(first)
    with pytest.raises(ImageError, match=r"cannot be read from 1\.parquet"):
        read_image(last)
