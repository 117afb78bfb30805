"""The parts of a manifest that describe tensors: inputs and outputs of a graph, and golden pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TensorSpec:
    """Name, element type and shape of one input or output of the graph.

    Attributes
    ----------
    name : str
        As in the graph, for example ``pixel_values``.
    type : str
        Element type by its numpy name, for example ``float32``.
    shape : tuple of int or str
        A number is a fixed size, a name is a variable size, for example ``("batch_size", 3, 224, 224)``.
    """

    name: str
    type: str
    shape: tuple[int | str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the tensor as a JSON object."""
        return {"name": self.name, "type": self.type, "shape": list(self.shape)}

    @staticmethod
    def from_json(value: Any) -> TensorSpec:
        """Read the tensor from a JSON object."""
        shape = tuple(size if isinstance(size, int) else str(size) for size in value["shape"])
        return TensorSpec(str(value["name"]), str(value["type"]), shape)


@dataclass(frozen=True)
class GoldenPair:
    """An input and the expected first output, as raw little-endian float32 files in the bundle."""

    input: str
    input_shape: tuple[int, ...]
    output: str
    output_shape: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the pair as a JSON object."""
        return {
            "input": self.input,
            "inputShape": list(self.input_shape),
            "output": self.output,
            "outputShape": list(self.output_shape),
        }

    @staticmethod
    def from_json(value: Any) -> GoldenPair:
        """Read the pair from a JSON object."""
        return GoldenPair(
            input=str(value["input"]),
            input_shape=tuple(int(n) for n in value["inputShape"]),
            output=str(value["output"]),
            output_shape=tuple(int(n) for n in value["outputShape"]),
        )
