"""Networks that answer together, as one ONNX file: the mean of their logits, to a face and to its mirror image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mien.artifact import FEATURES, INPUT
from mien.errors import MienError

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

MIRRORED = "mirrored"
BACKWARDS = {"starts": -1, "ends": np.iinfo(np.int64).min, "axes": 3, "steps": -1}  # a slice: all columns, last first


def together(networks: Sequence[bytes], *, mirror: Sequence[bool]) -> bytes:
    """One network of several; each keeps its weights, in whatever precision they are.

    Args:
        networks: ONNX files with the same input, `pixels` (n, channels, height, width), and the same logits.
        mirror: for each network, whether it answers to the pixels and to their mirror image, with the same weights.

    Returns:
        An ONNX file. Its logits are the mean over the networks, each of which gives the mean of its own answers; its
        `features`, if any, are those of the first network and of the pixels as they are.

    Raises:
        MienError: they are of different versions of ONNX.
    """
    from onnx import compose, load_from_string
    from onnx.helper import make_node
    from onnx.numpy_helper import from_array

    if len(networks) == 1 and not any(mirror):
        return networks[0]
    models = [load_from_string(network) for network in networks]
    if len({str(model.opset_import) for model in models}) > 1:
        raise MienError("these networks cannot be one: different versions of mien exported them")
    whole = models[0]
    outputs = [output.name for output in whole.graph.output]
    answers = list[dict[str, str]]()
    parts = [compose.add_prefix(model, f"{number}/").graph for number, model in enumerate(models)]
    del whole.graph.node[:], whole.graph.initializer[:], whole.graph.value_info[:]
    if any(mirror):
        names = {key: f"{MIRRORED}_{key}" for key in BACKWARDS}
        whole.graph.initializer.extend(from_array(np.array([BACKWARDS[key]]), names[key]) for key in names)
        whole.graph.node.append(make_node("Slice", [INPUT, *names.values()], [MIRRORED]))
    for number, (part, twice) in enumerate(zip(parts, mirror, strict=True)):
        whole.graph.initializer.extend(part.initializer)
        pixels = f"{number}/{INPUT}"
        constant, seeing = _parted(part, pixels)
        whole.graph.node.extend(constant)
        for source in (INPUT, MIRRORED) if twice else (INPUT,):
            renamed = {pixels: source}
            for node in seeing:
                renamed |= {name: name if source == INPUT else f"{MIRRORED}/{name}" for name in node.output}
            whole.graph.node.extend(_renamed(node, renamed) for node in seeing)
            answers.append({name: renamed.get(f"{number}/{name}", "") for name in outputs})
        if any(mirror) and not twice:  # it counts as much as the others
            answers.append(answers[-1])
    for name in outputs:
        kind, among = ("Identity", answers[:1]) if name == FEATURES else ("Mean", answers)
        whole.graph.node.append(make_node(kind, [answer[name] for answer in among], [name]))
    return bytes(whole.SerializeToString())


def _parted(graph: GraphProto, pixels: str) -> tuple[list[NodeProto], list[NodeProto]]:
    """The nodes that give the same for all pixels, and those that see them."""
    constant, seeing, seen = [], [], {pixels}
    for node in graph.node:
        if seen.intersection(node.input):
            seen.update(node.output)
            seeing.append(node)
        else:
            constant.append(node)
    return constant, seeing


def _renamed(node: NodeProto, names: dict[str, str]) -> NodeProto:
    """A copy that takes and gives values of other names."""
    copy = type(node)()
    copy.CopyFrom(node)
    copy.name = names.get(node.output[0], node.name)
    copy.input[:] = [names.get(name, name) for name in node.input]
    copy.output[:] = [names[name] for name in node.output]
    return copy
