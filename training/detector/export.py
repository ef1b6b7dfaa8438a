"""A trained detector as files: weights for further training, ONNX for OpenCV.

Holds: :func:`save_detector`, which writes the checkpoint folder

    detector.safetensors  weights as trained, half precision
    detector.onnx         the same network, norms folded into convolutions, for any page size
    curve.jsonl, card.md  how it was trained, and how good it is

and :func:`load_detector`. The graph is written node by node rather than traced: it holds nothing
but Conv, Relu, Add and Resize, and stays the same from one version of torch to the next.

Keeps out: running the graph (``pipelines.finding.detector``).
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from pipelines.errors import ModelError
from training.detector.network import Block, Detector, DetectorDims

OPSET = 13
ONNX_FILE = "detector.onnx"
WEIGHTS_FILE = "detector.safetensors"


def save_detector(model: Detector, folder: Path, card: str, curve: Path) -> None:
    """Write the folder; it appears whole under its name or not at all.

    Raises:
        ModelError: If the folder exists: a checkpoint is never overwritten.
    """
    if folder.exists():
        raise ModelError(
            f"There is already something at {folder}; a checkpoint is never overwritten. "
            f"Choose another folder or delete that one."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    halves = {
        name: value.detach().to(torch.float16 if value.is_floating_point() else value.dtype)
        for name, value in model.state_dict().items()
    }
    save_file(
        {name: value.contiguous() for name, value in halves.items()},
        staging / WEIGHTS_FILE,
        metadata={"dims": json.dumps(asdict(model.dims))},
    )
    (staging / ONNX_FILE).write_bytes(to_onnx(load_detector(staging)))
    (staging / "card.md").write_text(card, encoding="utf-8")
    shutil.copy(curve, staging / "curve.jsonl")
    os.chmod(staging, 0o755)
    os.replace(staging, folder)


def load_detector(folder: Path) -> Detector:
    """Read the weights, for export or for further training.

    Raises:
        ModelError: If the file is missing, is no safetensors, or does not fit its dimensions.
    """
    file = folder / WEIGHTS_FILE
    try:
        with safe_open(file, "pt") as stored:
            sizes = json.loads((stored.metadata() or {})["dims"])
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        model = Detector(DetectorDims(**{**sizes, "widths": tuple(sizes["widths"])}))
        model.load_state_dict(tensors)
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise ModelError(
            f"{file} holds no detector ({error}). Give the folder that `python -m training train "
            f"--recipe detector.tiny` has written."
        ) from error
    return model.eval()


def to_onnx(model: Detector) -> bytes:
    """The network as ONNX: input ``ink`` (1, 1, H, W), output ``maps`` (1, 5, H / 4, W / 4)."""
    graph = _Graph()
    x4 = graph.blocks(graph.blocks("ink", model.down2), model.down4)
    x8 = graph.blocks(x4, model.down8)
    x16 = graph.blocks(x8, model.down16)
    x32 = graph.blocks(x16, model.down32)
    y16 = graph.merged(x32, model.side32, x16, model.side16, model.up16)
    y8 = graph.merged(y16, None, x8, model.side8, model.up8)
    y4 = graph.merged(y8, None, x4, model.side4, model.up4)
    graph.conv(y4, model.answer, output="maps")
    sizes = ["height", "width"]
    made = helper.make_graph(
        graph.nodes,
        "detector",
        [helper.make_tensor_value_info("ink", TensorProto.FLOAT, [1, 1, *sizes])],
        [helper.make_tensor_value_info("maps", TensorProto.FLOAT, [1, 5, "rows", "columns"])],
        graph.weights,
    )
    proto = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    onnx.checker.check_model(proto)
    return bytes(proto.SerializeToString())


class _Graph:
    """Nodes and weights in the making; each method adds one step and names its result."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._count = 0

    def blocks(self, x: str, module: nn.Module) -> str:
        """A block or several in a row."""
        blocks = [module] if isinstance(module, Block) else list(module.children())
        for block in blocks:
            assert isinstance(block, Block)
            weight, bias = _folded(block)
            x = self._convolution(x, weight, bias, block.conv.stride[0])
            x = self._node("Relu", [x])
        return x

    def conv(self, x: str, layer: nn.Conv2d, output: str = "") -> str:
        """A convolution with a bias and nothing after it."""
        assert layer.bias is not None
        weight = layer.weight.detach().float().numpy()
        return self._convolution(x, weight, layer.bias.detach().float().numpy(), 1, output)

    def merged(
        self, deep: str, deep_side: nn.Conv2d | None, fine: str, side: nn.Conv2d, up: nn.Module
    ) -> str:
        """The deeper map at twice its size plus the finer one, and a block over both."""
        if deep_side is not None:
            deep = self.conv(deep, deep_side)
        scales = self._weight(np.array([1, 1, 2, 2], np.float32))
        large = self._node(
            "Resize",
            [deep, "", scales],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
        return self.blocks(self._node("Add", [large, self.conv(fine, side)]), up)

    def _convolution(
        self,
        x: str,
        weight: npt.NDArray[np.float32],
        bias: npt.NDArray[np.float32],
        stride: int,
        output: str = "",
    ) -> str:
        side = weight.shape[2]
        return self._node(
            "Conv",
            [x, self._weight(weight), self._weight(bias)],
            output,
            kernel_shape=[side, side],
            strides=[stride, stride],
            pads=[side // 2] * 4,
        )

    def _weight(self, array: npt.NDArray[np.float32]) -> str:
        self._count += 1
        name = f"w{self._count}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def _node(self, kind: str, inputs: list[str], output: str = "", **attributes: Any) -> str:
        self._count += 1
        name = output or f"x{self._count}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name


def _folded(block: Block) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The weight and bias of one convolution that does what a block does before its rectifier."""
    norm = block.norm
    assert norm.running_var is not None
    assert norm.running_mean is not None
    factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    weight = block.conv.weight * factor[:, None, None, None]
    bias = norm.bias - norm.running_mean * factor
    return weight.detach().float().numpy(), bias.detach().float().numpy()
