"""What an ONNX file need not hold: its exporter's notes, constants of no use, half of the kernels of mirrored layers.

Both halves of such kernels say the same (see `mirrored`). The file has the first and makes the second of it; ONNX
Runtime does so once, when it loads the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from mien.training.networks.mirrored import halved

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

LEAST = 4096
"""Values from which on a tensor is halved: the smaller ones are not worth three nodes."""


def compact(onnx: bytes) -> bytes:
    """The same network in a smaller file, with the same answers to the last bit."""
    import onnx as package

    model = package.load_from_string(onnx)
    graph = model.graph
    del graph.value_info[:]
    for noted in (model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        del noted.metadata_props[:]
    nodes = [*_halve(graph), *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    taken = {name for node in nodes for name in node.input}
    used = [tensor for tensor in graph.initializer if tensor.name in taken]
    del graph.initializer[:]
    graph.initializer.extend(used)
    return bytes(model.SerializeToString())


def _halve(graph: GraphProto) -> list[NodeProto]:
    """Halve mirrored kernels (outputs, inputs, height, width), and give the nodes that make whole ones of them."""
    from onnx.helper import make_node
    from onnx.numpy_helper import from_array, to_array

    nodes: list[NodeProto] = []
    orders: dict[str, list[int]] = {}
    for tensor in graph.initializer:
        kernels = to_array(tensor)
        if kernels.ndim != 4 or kernels.size < LEAST:
            continue
        outputs, inputs, _, width = kernels.shape
        own = halved(torch.from_numpy(kernels.copy()), torch.Size((outputs // 2, *kernels.shape[1:]))).numpy()
        if len(own) == outputs:
            continue
        name = tensor.name
        tensor.CopyFrom(from_array(own, f"{name}/own"))
        swapped, flipped = f"swapped_{inputs}", f"flipped_{width}"
        orders[swapped] = np.roll(range(inputs), inputs // 2 if inputs % 2 == 0 else 0).tolist()
        orders[flipped] = list(range(width))[::-1]
        nodes += [
            make_node("Gather", [f"{name}/own", swapped], [f"{name}/swapped"], f"{name}/swapped", axis=1),
            make_node("Gather", [f"{name}/swapped", flipped], [f"{name}/other"], f"{name}/other", axis=3),
            make_node("Concat", [f"{name}/own", f"{name}/other"], [name], f"{name}/whole", axis=0),
        ]
    graph.initializer.extend(from_array(np.array(order), name) for name, order in orders.items())
    return nodes
