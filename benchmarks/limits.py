"""How close mien is to what the machine can do, and what its settings are worth.

    python benchmarks/limits.py [NAME|DIR] [--plot docs/performance.png]

The network: its multiply-adds a second over those of a big matrix product of the same kind of numbers, both on one
thread in this run, by batch size and by level of graph optimisation. A folder: photos a second over those of decoding
alone, 48 x 48 faces a second from memory and from files, on one thread and on two. Needs pyarrow, onnx, and matplotlib
for the plot.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnx
from common import data_folder, head, machine, median_seconds, row, seconds
from folder import write
from onnx import TensorProto, helper
from photo import photo
from PIL import Image

import mien
from mien.artifact import FEATURES, INPUT, find, read
from mien.runtime import one_thread, ort

BATCHES = (1, 2, 4, 8, 16, 32, 64)
SIDE = 1024  # of the matrices
PHOTOS = 48
ROUNDS = 5  # of a folder's rows, in turns; medians count
LEVELS = {
    "none": ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
    "basic": ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "all": ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?")
    parser.add_argument("--plot", type=Path)
    given = parser.parse_args()
    data = data_folder("fer2013/valid.parquet", "media/single_face.jpg")
    artifact = read(find(given.model))
    print(machine())

    small = artifact.manifest.precision == "int8"
    peak, work = product(small), multiply_adds(artifact.onnx)
    kind = "8-bit integers" if small else "float32"
    print(f"\n{artifact.name}: {work / 1e6:.1f} million multiply-adds a face, {len(artifact.onnx) / 1e6:.2f} MB")
    print(
        f"a product of two {SIDE} x {SIDE} matrices, {kind}: {peak / 1e9:.0f} thousand million multiply-adds a second"
    )
    head("batch", "ms a face", "of the product's rate")
    crops = np.random.default_rng(0).integers(0, 256, (BATCHES[-1], 1, *[artifact.manifest.size] * 2), np.uint8)
    session = opened(artifact.onnx, "all")
    rates = {batch: batch / median_seconds(partial(run, session, crops[:batch]), 60) for batch in BATCHES}
    for batch, rate in rates.items():
        row(batch, f"{1000 / rate:.3f}", f"{work * rate / peak:.0%}")
    head("graph optimisation", "ms a face, one by one")
    for level in LEVELS:
        session = opened(artifact.onnx, level)
        row(level, f"{1000 * median_seconds(partial(run, session, crops[:1]), 60):.3f}")

    head("a folder", "1 thread", "2 threads")
    with tempfile.TemporaryDirectory() as name:
        folders = Path(name) / "photos", Path(name) / "faces"
        for folder in folders:
            folder.mkdir()
        photos = [folders[0] / f"{number:03d}.jpg" for number in range(PHOTOS)]
        for path in photos:
            path.write_bytes(photo(data / "media" / "single_face.jpg"))
        files = write(data / "fer2013" / "valid.parquet", folders[1])
        faces = [np.asarray(Image.open(path)) for path in files]
        models = {threads: mien.load(given.model, threads=threads) for threads in (1, 2)}
        rows: dict[str, Callable[[int], Any]] = {
            "1382 x 1868 photos a second, decoding alone": lambda threads: mapped(decode, photos, threads),
            "1382 x 1868 photos a second": lambda threads: models[threads].predict(photos),
            "48 x 48 faces a second, network alone": lambda threads: models[threads].logits(faces),
            "48 x 48 PNG files a second": lambda threads: models[threads].predict(files, crop="whole"),
        }
        taken: dict[tuple[str, int], list[float]] = {(what, threads): [] for what in rows for threads in (1, 2)}
        for step in rows.values():
            step(2)
        for _ in range(ROUNDS):
            for (what, threads), times in taken.items():
                times.append(seconds(partial(rows[what], threads)))
        told: dict[str, list[float]] = {}
        for what in rows:
            count = PHOTOS if "photos" in what else len(files)
            told[what] = [count / median(taken[what, threads]) for threads in (1, 2)]
            row(what, *(f"{rate:,.0f}" for rate in told[what]))
    alone, all_in = list(told.values())[:2]
    row("photos, of decoding alone", *(f"{rate / limit:.0%}" for rate, limit in zip(all_in, alone, strict=True)))
    if given.plot:
        draw(given.plot, {batch: work * rate / peak for batch, rate in rates.items()}, told)


def product(small: bool) -> float:
    """Multiply-adds a second of a matrix product on one thread."""
    kinds = (TensorProto.UINT8, TensorProto.INT8) if small else (TensorProto.FLOAT, TensorProto.FLOAT)
    inputs = [helper.make_tensor_value_info(name, kind, [SIDE, SIDE]) for name, kind in zip("ab", kinds, strict=True)]
    output = helper.make_tensor_value_info("c", TensorProto.INT32 if small else TensorProto.FLOAT, [SIDE, SIDE])
    rng = np.random.default_rng(0)
    weights = rng.integers(-64, 64, (SIDE, SIDE)).astype(np.int8 if small else np.float32)
    constant = onnx.numpy_helper.from_array(weights, "b")
    node = helper.make_node("MatMulInteger" if small else "MatMul", ["a", "b"], ["c"])
    graph = helper.make_graph([node], "product", inputs[:1], [output], [constant])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    session = opened(model.SerializeToString(), "all")
    values = rng.integers(0, 128, (SIDE, SIDE)).astype(np.uint8 if small else np.float32)
    return SIDE**3 / median_seconds(lambda: session.run(None, {"a": values}), 30)


def multiply_adds(network: bytes) -> float:
    """Of the convolutions and matrix products for one face."""
    model = onnx.load_from_string(network)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    shapes = {each.name: list(each.dims) for each in model.graph.initializer}
    for each in (*model.graph.value_info, *model.graph.output):
        shapes[each.name] = [axis.dim_value or 1 for axis in each.type.tensor_type.shape.dim]
    total = 0
    for node in model.graph.node:
        if node.op_type in ("Conv", "Gemm", "MatMul"):
            (weights,) = [shapes[name] for name in node.input[1:2]]
            places = int(np.prod(shapes[node.output[0]][2:]))
            total += int(np.prod(weights)) * places
    return total


def opened(network: bytes, level: str) -> ort.InferenceSession:
    options = one_thread()
    options.graph_optimization_level = LEVELS[level]
    return ort.InferenceSession(network, options)


def run(session: ort.InferenceSession, crops: Any) -> Any:
    names = [output.name for output in session.get_outputs() if output.name != FEATURES]
    return session.run(names, {INPUT: crops})


def mapped(step: Callable[[Path], object], paths: list[Path], threads: int) -> None:
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(step, paths))


def decode(path: Path) -> None:
    Image.open(io.BytesIO(path.read_bytes())).load()


def draw(path: Path, shares: dict[int, float], told: dict[str, list[float]]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.2))
    left.plot(list(shares), [100 * share for share in shares.values()], "o-", color="#3466a5")
    left.set(xscale="log", ylim=(0, 100), xlabel="faces in a batch", title="Network: % of a matrix product's rate")
    left.set_xticks(list(shares), [str(batch) for batch in shares])
    names = list(told)[:2]
    for position, (threads, shade) in enumerate(((1, "#9bb7d9"), (2, "#3466a5"))):
        places = [place + 0.38 * (0.5 - position) for place in range(len(names))]
        bars = right.barh(
            places, [told[name][position] for name in names], 0.36, color=shade, label=f"{threads} thread"
        )
        right.bar_label(bars, fmt="%.0f", padding=3)
    right.set_yticks(range(len(names)), ["decoding alone", "with every face read"])
    right.set(title="1382 x 1868 photos a second")
    right.margins(x=0.12)
    right.legend(["1 thread", "2 threads"], frameon=False, loc="upper right")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)


if __name__ == "__main__":
    main()
