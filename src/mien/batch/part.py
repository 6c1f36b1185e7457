"""One part of a run: what it reads becomes a file of rows, put in its place whole. Workers of all engines do this.

OUT/rows/ holds finished parts and nothing else, at any moment. A disk's parts are written in OUT/unfinished/ and
renamed, a store's are put in one go. What a part came to stands in its file's metadata, as `mien.part`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mien.batch.plan import Job, Part
from mien.batch.stores import joined, put, reading
from mien.batch.table import read_table, table_schema

ROWS, UNFINISHED = "rows", "unfinished"
TOLD = b"mien.part"
KIND = re.compile(r"[:;,(]")
NUMBER = re.compile(r"\d[\d.]*")


@dataclass
class Counts:
    """What images came to.

    Args:
        images: all of them.
        faces: in them.
        uncertain: faces whose expression is.
        faceless: images without a face.
        unread: images that could not be read, by kind: the reason without what is of the one image.
    """

    images: int = 0
    faces: int = 0
    uncertain: int = 0
    faceless: int = 0
    unread: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, rows: pa.Table) -> Self:
        """Of rows as `read_table` gives them."""
        faces, errors = rows.column("face"), rows.column("error")
        unread = Counter(map(kind_of, errors.drop_null().to_pylist()))
        none = faces.null_count
        return cls(
            images=none + (pc.sum(pc.equal(faces, 0)).as_py() or 0),
            faces=len(faces) - none,
            uncertain=pc.sum(rows.column("uncertain")).as_py() or 0,
            faceless=none - unread.total(),
            unread=unread,
        )

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self:
        """As `told` gives them."""
        return cls(**{**told, "unread": Counter(told["unread"])})

    def told(self) -> dict[str, Any]:
        """As JSON takes them."""
        return {**asdict(self), "unread": dict(sorted(self.unread.items()))}

    def add(self, other: Counts) -> None:
        self.images += other.images
        self.faces += other.faces
        self.uncertain += other.uncertain
        self.faceless += other.faceless
        self.unread += other.unread


def kind_of(error: str) -> str:
    """The kind of a reason why an image could not be read: `"damaged or cut short"`, `"N x N pixels"`."""
    return NUMBER.sub("N", KIND.split(error, maxsplit=1)[0]).strip()


def write_part(part: Part, job: Job, out: str) -> Counts:
    """Read what a part reads, and put its file in its place; whoever did so before put the same.

    Args:
        part: of a plan.
        job: what is done with every image.
        out: the run's folder, a path or an address.

    Raises:
        DiskError: the disk refuses it.
        DataError: a table or an archive cannot be read.
        StoreError: a store does not answer.
    """
    source = part.source
    options: dict[str, Any] = {"image": source.image, "labels": job.labels, "prior": job.prior, "crop": job.crop}
    tables = [read_table(table, job.recognizer, **options) for table in source.tables()]
    schema = table_schema(source.schema, job.recognizer.spoken(job.labels), source.image)
    rows = pa.concat_tables(tables) if tables else schema.empty_table()
    counts = Counts.of(rows)
    told = {TOLD: json.dumps({**counts.told(), "mien": job.told()})}
    sink = pa.BufferOutputStream()
    pq.write_table(rows.replace_schema_metadata({**schema.metadata, **told}), sink, compression="zstd")
    put(joined(out, ROWS, part.name), sink.getvalue(), joined(out, UNFINISHED))
    return counts


def counts_of(name: str, out: str) -> Counts:
    """What a finished part came to.

    Raises:
        StoreError: the store does not answer.
    """
    with reading(joined(out, ROWS, name)) as file:
        told = json.loads(pq.read_schema(file).metadata[TOLD])
    return Counts.read({name: value for name, value in told.items() if name != "mien"})
