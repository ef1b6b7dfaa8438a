"""ONNX graphs in the making, for OpenCV to run: node by node, from weights by name.

Holds: ``Graph``, which folds each norm into its convolution, so that nothing but Conv, Relu, Add,
Resize and a mean are left, and :func:`opened`, which hands a graph of stored weights to OpenCV.

Keeps out: which layers a network has (``pipelines.finding.network``,
``pipelines.finding.orientation``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors import SafetensorError
from safetensors.numpy import load_file

from pipelines.errors import ModelError

Floats = npt.NDArray[np.float32]
Weights = Mapping[str, npt.NDArray[Any]]
Shape = Sequence[int | str]

OPSET = 13

NORM_EPS = np.float32(1e-5)
"""What torch's BatchNorm2d adds to the variance."""


def opened(file: Path, to_onnx: Callable[[Weights], bytes], holds: str, recipe: str) -> cv2.dnn.Net:
    """The network of a weights file.

    Args:
        file: safetensors.
        to_onnx: Makes the graph of its weights.
        holds: What the file should hold, for people.
        recipe: What writes it.

    Raises:
        ModelError: If the file is missing, is no safetensors, or holds another network's weights.
    """
    try:
        graph = to_onnx(load_file(file))
        return cv2.dnn.readNetFromONNX(np.frombuffer(graph, np.uint8))
    except (OSError, SafetensorError, KeyError, cv2.error) as error:
        raise ModelError(
            f"{file} holds no {holds} ({str(error).strip()}). Install the package again, or write "
            f"the folder with python -m training train --recipe {recipe}."
        ) from error


class Graph:
    """Nodes and constants in the making; each method adds one step and names its result.

    Args:
        weights: By the names that torch gives them.
    """

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._count = 0

    def down(self, x: str, level: str) -> str:
        """A level on the way down: its first block halves the size, others may follow."""
        if f"{level}.conv.weight" in self.weights:
            return self.block(x, level, stride=2)
        count = 0
        while f"{level}.{count}.conv.weight" in self.weights:
            x = self.block(x, f"{level}.{count}", stride=1 if count else 2)
            count += 1
        if not count:
            raise KeyError(f"{level}.0.conv.weight")
        return x

    def block(self, x: str, name: str, stride: int) -> str:
        """Convolution with its norm folded in, then the rectifier."""
        factor = self._get(f"{name}.norm.weight") / np.sqrt(
            self._get(f"{name}.norm.running_var") + NORM_EPS
        )
        weight = self._get(f"{name}.conv.weight") * factor[:, None, None, None]
        bias = self._get(f"{name}.norm.bias") - self._get(f"{name}.norm.running_mean") * factor
        return self._node("Relu", [self._convolution(x, weight, bias, stride)])

    def conv(self, x: str, name: str, output: str = "") -> str:
        """A convolution with a bias and nothing after it."""
        weight, bias = self._get(f"{name}.weight"), self._get(f"{name}.bias")
        return self._convolution(x, weight, bias, 1, output)

    def merged(self, deep: str, fine: str, side: str, up: str) -> str:
        """The deeper map at twice its size plus the finer one, and a block over both."""
        large = self._node(
            "Resize",
            [deep, "", self._constant(np.array([1, 1, 2, 2], np.float32))],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
        return self.block(self._node("Add", [large, self.conv(fine, side)]), up, stride=1)

    def mean(self, x: str, output: str = "") -> str:
        """(N, C, H, W) to (N, C, 1, 1)."""
        return self._node("GlobalAveragePool", [x], output)

    def finish(self, name: str, given: tuple[str, Shape], answer: tuple[str, Shape]) -> bytes:
        """The whole graph, serialized.

        Args:
            name: Of the graph.
            given: Name and shape of its input; a word in a shape is a free size.
            answer: Name and shape of its output.
        """
        made = helper.make_graph(
            self.nodes,
            name,
            [helper.make_tensor_value_info(given[0], TensorProto.FLOAT, list(given[1]))],
            [helper.make_tensor_value_info(answer[0], TensorProto.FLOAT, list(answer[1]))],
            self.constants,
        )
        opsets = [helper.make_opsetid("", OPSET)]
        proto = helper.make_model(made, opset_imports=opsets, ir_version=8)
        return bytes(proto.SerializeToString())

    def _convolution(
        self, x: str, weight: Floats, bias: Floats, stride: int, output: str = ""
    ) -> str:
        side = weight.shape[2]
        return self._node(
            "Conv",
            [x, self._constant(weight), self._constant(bias)],
            output,
            kernel_shape=[side, side],
            strides=[stride, stride],
            pads=[side // 2] * 4,
        )

    def _get(self, name: str) -> Floats:
        return np.asarray(self.weights[name], np.float32)

    def _constant(self, array: Floats) -> str:
        self._count += 1
        name = f"w{self._count}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def _node(self, kind: str, inputs: list[str], output: str = "", **attributes: Any) -> str:
        self._count += 1
        name = output or f"x{self._count}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name
