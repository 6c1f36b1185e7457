"""What is to be read: listed before anything is read, in order; nothing found is an error, never an empty success."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mien.batch.inputs import cuts, find
from mien.batch.listing import list_files
from mien.batch.plan import Job, Plan
from mien.batch.stores import StoreError
from mien.batch.table import read_table
from mien.errors import DataError
from mien.recognizer import Recognizer
from mien.sources import PassedOver

HF = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
STORE = "memory://faces"


def write_folder(folder: Path, faces: list[bytes]) -> list[str]:
    folder.mkdir(parents=True)
    for number, face in enumerate(faces):
        (folder / f"{number}.png").write_bytes(face)
    return [str(folder / f"{number}.png") for number in range(len(faces))]


def table(faces: list[bytes], **columns: Any) -> pa.Table:
    images = [{"bytes": face, "path": f"{number}.png"} for number, face in enumerate(faces)]
    return pa.table({"image": pa.array(images, HF), "id": range(len(faces)), **columns})


def write_tar(file: Path, faces: list[bytes]) -> None:
    with tarfile.open(file, "w:gz" if file.suffix == ".gz" else "w:") as archive:
        for number, face in enumerate(faces):
            for name, content in ((f"s/{number}.png", face), (f"s/{number}.cls", b"%d" % number)):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))


@pytest.fixture
def store(faces: list[bytes]) -> Iterator[str]:
    """A folder in a store that holds eight faces."""
    system = fsspec.filesystem("memory")
    for number, face in enumerate(faces):
        system.pipe_file(f"/faces/{number}.png", face)
    system.pipe_file("/faces/notes.txt", b"words")
    yield STORE
    system.rm("/faces", recursive=True)


def test_no_words() -> None:
    with pytest.raises(DataError, match="nothing to read"):
        find([])


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("nowhere", "nowhere: No such file"),
        ("nowhere.parquet", "nowhere.parquet: No such file"),
        ("empty", "a folder without images"),
        ("texts", r"a folder without images: there is 1 file that is no image: 1 \.txt"),
        ("*.jpg", "no image matches this pattern"),
        ("a.lance", "Lance is not read"),
        (os.fsdecode(b"caf\xe9.png"), r"caf\\xe9.png: a name that is not UTF-8"),
        ("memory://nowhere", "no such file or folder"),
        ("memory://now*/a.jpg", "behind the name of the bucket"),
        ("memory://nowhere/*.jpg", "no such file or folder"),
        ("empty.parquet", "a table without rows"),
        ("words.parquet", "no column of images"),
        ("none.tar", "an archive without images"),
        ("paths.parquet", "/gone/a.png and 1 more, are not there; it holds no images but their paths on the machine"),
        ("list.csv", "gone.png, are not there; paths are relative to"),
        ("numbers.csv", "no column of images"),
        ("twice.csv", "columns of the same name: path"),
        ("cut.tar.gz", "archive that is damaged"),
        ("heads.csv", "a table without rows"),
        ("nothing.csv", "not a readable table"),
        ("both", "holds 1 image and .*all.parquet: name those that you mean, such as"),
        ("texts.parquet", "cannot be read as a table"),
        ("texts.arrow", "cannot be read as a table"),
        ("texts.tar", "archive that is damaged"),
    ],
)
def test_what_names_nothing_to_read_is_an_error(
    word: str, said: str, faces: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("texts").mkdir()
    Path("texts/a.txt").write_text("words")
    pq.write_table(table([]), "empty.parquet")
    pq.write_table(pa.table({"id": [1]}), "words.parquet")
    gone = [{"bytes": None, "path": "/gone/a.png"}, {"bytes": None, "path": "/gone/b.png"}]
    pq.write_table(pa.table({"image": pa.array(gone, HF)}), "paths.parquet")
    Path("list.csv").write_text("path,label\ngone.png,happy\n")
    Path("numbers.csv").write_text("a,b\n1,2\n")
    Path("heads.csv").write_text("path,label\n")
    Path("nothing.csv").touch()
    Path("twice.csv").write_text("path,path\na.png,b.png\n")
    write_tar(Path("whole.tar.gz"), faces)
    Path("cut.tar.gz").write_bytes(Path("whole.tar.gz").read_bytes()[:100])
    write_tar(Path("none.tar"), [])
    write_folder(Path("both"), faces[:1])
    pq.write_table(table(faces), "both/all.parquet")
    for name in ("texts.parquet", "texts.arrow", "texts.tar"):
        Path(name).write_text("words " * 1000)
    with pytest.raises(DataError, match=said):
        find([word])


@pytest.mark.parametrize(
    ("word", "said"), [("file:///tmp", "name its path"), ("nostore://a/b", "nostore://a/b: .*nostore")]
)
def test_a_store_that_cannot_be_opened_is_told(word: str, said: str) -> None:
    with pytest.raises(StoreError, match=said):
        find([word])


@pytest.mark.parametrize("kind", ["images", "archives"])
def test_images_of_no_table_have_no_column(kind: str, faces: list[bytes], tmp_path: Path) -> None:
    write_folder(tmp_path / "images", faces)
    write_tar(tmp_path / "archives.tar", faces)
    word = next(tmp_path.glob(f"{kind}*"))
    assert find([str(word)]).kind == kind
    with pytest.raises(DataError, match=f"no column 'face' of images: {kind} are read as they are"):
        find([str(word)], image="face")


def test_several_kinds_are_several_runs(faces: list[bytes], tmp_path: Path) -> None:
    write_folder(tmp_path / "faces", faces)
    pq.write_table(table(faces), tmp_path / "all.parquet")
    with pytest.raises(DataError, match="images and tables together"):
        find([str(tmp_path / "faces"), str(tmp_path / "all.parquet")])


@pytest.mark.parametrize(
    ("form", "keep"),
    [
        *[(form, []) for form in ("folder", "pattern", "files", "store", "store's pattern", "store's file")],
        *[(form, ["id"]) for form in ("parquet", "folder of parquet", "arrow file", "arrow stream", "csv")],
        *[(form, ["cls"]) for form in ("tar", "tar.gz", "shards")],
    ],
)
def test_all_forms_are_read_alike(form: str, keep: list[str], faces: list[bytes], tmp_path: Path, store: str) -> None:
    files = write_folder(tmp_path / "in", faces)
    whole, half = table(faces), [table(faces[:4]), table(faces[4:])]
    words = {"folder": [str(tmp_path / "in")], "files": [*files, files[0]], "store": [store]}.get(form, [])
    if form == "pattern":
        words = [str(tmp_path / "i?" / "*.png")]
    elif form == "store's pattern":
        words = [f"{store}/**/*.p[mn]g"]
    elif form == "store's file":
        words = [f"{store}/{number}.png" for number in range(8)]
    elif form == "parquet":
        pq.write_table(whole, tmp_path / "a.parquet", row_group_size=3)
        words = [str(tmp_path / "a.parquet")]
    elif form == "folder of parquet":
        (tmp_path / "two" / "deep").mkdir(parents=True)
        pq.write_table(half[0], tmp_path / "two" / "a.parquet")
        pq.write_table(half[1], tmp_path / "two" / "deep" / "a.parquet")
        words = [str(tmp_path / "two")]
    elif form.startswith("arrow"):
        words = [str(tmp_path / "a.arrow")]
        made = pa.ipc.new_file if form == "arrow file" else pa.ipc.new_stream
        with made(words[0], whole.schema) as writer:
            writer.write_table(whole, max_chunksize=3)
    elif form == "csv":
        words = [str(tmp_path / "a.csv")]
        lines = [f'{number};"in/{number}.png"' for number in range(8)]
        Path(words[0]).write_text("\n".join(["id;File", *lines]))
    elif keep == ["cls"]:
        shares = {"shards": {"a.tar": faces[:4], "b.tar": faces[4:]}}.get(form, {f"a.{form}": faces})
        words = [str(tmp_path / name) for name in shares]
        for name, share in shares.items():
            write_tar(tmp_path / name, share)
    over = PassedOver()
    found = find(words, size=2, passed_over=over)
    tables = [each for source, _ in found.sources for each in source.tables()]
    rows = pa.concat_tables(tables).to_pylist()
    image = found.sources[0][0].image
    got = [row[image]["bytes"] if isinstance(row[image], dict) else row[image] for row in rows]
    assert [each if isinstance(each, bytes) else fsspec.open(each).open().read() for each in got] == faces
    assert found.images in (8, None)
    assert sum(count or 0 for _, count in found.sources) in (8, 0)
    assert dict(over) == ({".txt": 1} if form == "store" else {})
    if keep:
        assert [int(row[keep[0]]) for row in rows][:4] == [0, 1, 2, 3]


def test_rows_tell_where_they_lie(faces: list[bytes], tmp_path: Path) -> None:
    file = str(tmp_path / "a.parquet")
    pq.write_table(table(faces * 4, row=range(32)), file, row_group_size=20)
    found = find([file], size=6, keep=["row"])
    assert [count for _, count in found.sources] == [5, 5, 5, 5, 6, 6]
    rows = pa.concat_tables([each for source, _ in found.sources for each in source.tables()])
    assert rows["row"].to_pylist() == rows["input_row"].to_pylist() == list(range(32))
    assert set(rows["file"].to_pylist()) == {file}
    assert rows.column_names == ["image", "input_row", "file", "row"]


def test_few_are_held_of_an_image_that_repeats(tmp_path: Path) -> None:
    """A parquet file has the bytes of such an image once, and tells no more of them."""
    file = str(tmp_path / "a.parquet")
    pq.write_table(table([bytes(100_000)] * 400), file)
    sizes = [each.nbytes for source, _ in find([file]).sources for each in source.tables()]
    assert sum(sizes) > 40_000_000
    assert max(sizes) < 10_000_000


@pytest.mark.parametrize(("size", "count", "most"), [(100, 700, 512), (2**17, 40, 16)])
def test_small_images_come_many_at_once_and_large_ones_a_few(size: int, count: int, most: int, tmp_path: Path) -> None:
    """Or the network's batches would be small, or too much would be held; in their order, and each once."""
    faces = [bytes([number % 256]) * size for number in range(count)]
    pq.write_table(table(faces), tmp_path / "a.parquet", use_dictionary=False)
    tables = list(find([str(tmp_path / "a.parquet")], size=count).sources[0][0].tables())
    assert [row for each in tables for row in each["row"].to_pylist()] == list(range(count))
    assert [cell["bytes"] for each in tables for cell in each["image"].to_pylist()] == faces
    assert most / 2 < max(map(len, tables)) <= most


def test_what_belongs_together_in_an_archive_stays_together(faces: list[bytes], tmp_path: Path) -> None:
    members = [("a.json", b"{}"), ("b.x.png", faces[0]), ("b.txt", b"words"), ("b.cls", b"1"), ("c/d.jpg", faces[1])]
    members += [("c/.e.png", faces[0]), ("c/d.pdf", b"-"), ("f.png", faces[2]), ("f.jpg", faces[3])]
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    found = find([str(tmp_path / "a.tar")])
    rows = pa.concat_tables(found.sources[0][0].tables()).to_pylist()
    assert [(row["key"], row["image"]["path"], row["txt"], row["cls"], row["row"]) for row in rows] == [
        ("b", "b.x.png", "words", "1", 0),
        ("c/d", "c/d.jpg", None, None, 1),
        ("f", "f.png", None, None, 2),
        ("f", "f.jpg", None, None, 3),
    ]


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ("[0-9].png", "1.png 2.png"),
        ("[!0-9].png", "].png ^.png a.png"),
        ("[^a].png", "^.png a.png"),
        ("[]a].png", "].png a.png"),
        ("[!]a]*.png", "1.png 2.png ^.png x[.png"),
        ("x[.pn?", "x[.png"),
    ],
)
def test_brackets_mean_in_a_store_what_they_mean_on_a_disk(
    pattern: str, matched: str, faces: list[bytes], tmp_path: Path, store: str
) -> None:
    system = fsspec.filesystem("memory")
    (tmp_path / "x").mkdir()
    for name in ("1.png", "2.png", "a.png", "].png", "^.png", "x[.png", "x/1.png"):
        (tmp_path / name).write_bytes(faces[0])
        system.pipe_file(f"/faces/in/{name}", faces[0])
    for folder in (str(tmp_path), f"{store}/in"):
        files = list_files([f"{folder}/{pattern}"], PassedOver())
        assert sorted(Path(file.place).name for file in files) == matched.split()


@pytest.mark.parametrize("pattern", ["x[!a]1.png", "x[+-9]1.png", "[z-a].png"])
def test_brackets_match_no_stroke(pattern: str, faces: list[bytes], store: str) -> None:
    fsspec.filesystem("memory").pipe_file("/faces/x/1.png", faces[0])
    with pytest.raises(DataError, match="no file matches this pattern"):
        list_files([f"{store}/{pattern}"], PassedOver())


def test_a_name_in_an_archive_that_is_not_utf8_is_written_out(
    faces: list[bytes], recognizer: Recognizer, tmp_path: Path
) -> None:
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.GNU_FORMAT, encoding="latin-1") as archive:
        for name, content in (("a.png", faces[0]), ("a.cls", b"1"), ("café.png", faces[1]), ("café.cls", b"3")):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    found = find([str(tmp_path / "a.tar")])
    taken = pa.concat_tables(found.sources[0][0].tables())
    assert [(row["key"], row["image"]["path"], row["cls"]) for row in taken.to_pylist()] == [
        ("a", "a.png", "1"),
        (r"caf\xe9", r"caf\xe9.png", "3"),
    ]
    assert len(read_table(taken, recognizer)) == 2


def test_links_in_an_archive_have_rows_that_say_so(faces: list[bytes], recognizer: Recognizer, tmp_path: Path) -> None:
    """As tar packs the files of a folder where copies share their bytes."""
    (folder := tmp_path / "faces").mkdir()
    for name, content in (("a.png", faces[0]), ("a.cls", b"3"), ("c.png", faces[1])):
        (folder / name).write_bytes(content)
    os.link(folder / "a.png", folder / "b.png")
    os.link(folder / "a.cls", folder / "b.cls")
    (folder / "d.png").symlink_to("c.png")
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name in ("a.png", "a.cls", "b.png", "b.cls", "c.png", "d.png"):
            archive.add(folder / name, name)
    source = find([str(tmp_path / "a.tar")]).sources[0][0]
    rows = read_table(pa.concat_tables(source.tables()), recognizer).to_pylist()
    empty = "empty: no bytes to read"
    assert [(row["source"], row["cls"], row["error"]) for row in rows] == [
        ("a.png", "3", None),
        ("b.png", None, empty),
        ("c.png", None, None),
        ("d.png", None, empty),
    ]


def test_a_table_with_other_columns_is_told(faces: list[bytes], tmp_path: Path) -> None:
    pq.write_table(table(faces), tmp_path / "a.parquet")
    pq.write_table(table(faces).rename_columns(["image", "number"]), tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"b\.parquet has other columns than .*a\.parquet"):
        find([str(tmp_path)])
    assert find([str(tmp_path)], keep=[]).images == 16


@pytest.mark.parametrize(
    ("count", "size", "starts"),
    [(0, 5, [0]), (1, 5, [0, 1]), (5, 5, [0, 5]), (6, 5, [0, 3, 6]), (5, 2, [0, 1, 3, 5])],
)
def test_cuts(count: int, size: int, starts: list[int]) -> None:
    assert cuts(count, size) == starts


def _rewrite(folder: Path) -> None:
    (folder / "3.png").write_bytes((folder / "4.png").read_bytes() + b" ")


def _touch(folder: Path) -> None:
    os.utime(folder / "3.png", ns=(1, 1))


@pytest.mark.parametrize(
    "word",
    ["in", "in.csv", "texts.parquet", "structs.parquet", "mixed.parquet", "behind.parquet", "in.arrow", "mixed.arrow"],
)
@pytest.mark.parametrize("change", [_rewrite, _touch, lambda folder: (folder / "3.png").rename(folder / "3b.png")])
def test_the_name_of_a_part_hangs_on_what_it_reads_and_on_nothing_else(
    change: Callable[[Path], object], word: str, faces: list[bytes], recognizer: Recognizer, tmp_path: Path
) -> None:
    write_folder(tmp_path / "in", faces)
    listed = sorted(file.relative_to(tmp_path).as_posix() for file in (tmp_path / "in").iterdir())
    (tmp_path / "in.csv").write_text("\n".join(["path", *listed]), encoding="utf-8")
    texts = pa.table({"path": [str(tmp_path / each) for each in listed]})
    cells = [{"bytes": None, "path": each} for each in texts["path"].to_pylist()]
    structs = pa.table({"image": pa.array(cells, HF)})
    mixed = pa.table({"image": pa.array([{**each, "bytes": faces[0]} for each in cells[:2]] + cells[2:], HF)})
    for name, held, rows in (("texts", texts, 4), ("structs", structs, 4), ("mixed", mixed, 4), ("behind", mixed, 2)):
        pq.write_table(held, tmp_path / f"{name}.parquet", row_group_size=rows)
    for name, held in (("in", texts), ("mixed", mixed)):
        with pa.ipc.new_file(tmp_path / f"{name}.arrow", held.schema) as stream:
            stream.write_table(held)

    def names(**options: Any) -> list[str]:
        return [part.name for part in Plan(Job(recognizer, **options), find([str(tmp_path / word)], size=2)).parts]

    before = names()
    assert before == names() == sorted(before)
    assert set(before).isdisjoint(names(labels="happy-sad"))
    change(tmp_path / "in")
    assert [old == new for old, new in zip(before, names(), strict=True)] == [True, False, True, True]


@pytest.mark.parametrize("told", [True, False])  # by the file, that every row holds its image
def test_a_file_beside_an_images_bytes_is_not_looked_at(told: bool, faces: list[bytes], tmp_path: Path) -> None:
    places = write_folder(tmp_path / "in", faces)
    images = [{"bytes": face, "path": place} for face, place in zip(faces, places, strict=True)]
    pq.write_table(pa.table({"image": pa.array(images, HF)}), tmp_path / "in.parquet", write_statistics=told)

    def keys() -> list[str]:
        return [source.key for source, _ in find([str(tmp_path / "in.parquet")], size=2).sources]

    before = keys()
    _rewrite(tmp_path / "in")
    assert keys() == before
