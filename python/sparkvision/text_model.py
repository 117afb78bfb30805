"""The part of a manifest that describes the text half of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sparkvision.tensors import GoldenPair, TensorSpec


@dataclass(frozen=True)
class TextModel:
    """The half of a zero-shot model that reads texts.

    Attributes
    ----------
    graph, tokenizer : str
        Files of the bundle: the ONNX graph, from token ids to embeddings, and ``tokenizer.json``.
    input, output : TensorSpec
        The graph's.
    golden : GoldenPair
        Token ids, as float32, and their embeddings.
    logit_scale : float
        The factor between a cosine and its logit.
    hypothesis_template : str
        The sentence around each label of the bundle, with ``{}`` in the place of the label.
    label_embeddings : str or None
        File of the embeddings of the bundle's labels, raw little-endian float32; None for a bundle without labels.
    """

    graph: str
    tokenizer: str
    input: TensorSpec
    output: TensorSpec
    golden: GoldenPair
    logit_scale: float
    hypothesis_template: str
    label_embeddings: str | None

    @property
    def files(self) -> tuple[str, ...]:
        """The files of the bundle that belong to the text half."""
        named = (self.graph, self.tokenizer, self.golden.input, self.golden.output, self.label_embeddings)
        return tuple(name for name in named if name is not None)

    def to_json(self) -> dict[str, Any]:
        """Return the text model as a JSON object."""
        return {
            "graph": self.graph,
            "tokenizer": self.tokenizer,
            "input": self.input.to_json(),
            "output": self.output.to_json(),
            "golden": self.golden.to_json(),
            "logitScale": self.logit_scale,
            "hypothesisTemplate": self.hypothesis_template,
            "labelEmbeddings": self.label_embeddings,
        }

    @staticmethod
    def from_json(value: Any) -> TextModel:
        """Read the text model from a JSON object."""
        embeddings = value["labelEmbeddings"]
        return TextModel(
            graph=str(value["graph"]),
            tokenizer=str(value["tokenizer"]),
            input=TensorSpec.from_json(value["input"]),
            output=TensorSpec.from_json(value["output"]),
            golden=GoldenPair.from_json(value["golden"]),
            logit_scale=float(value["logitScale"]),
            hypothesis_template=str(value["hypothesisTemplate"]),
            label_embeddings=None if embeddings is None else str(embeddings),
        )
