"""The text encoder of a CLIP checkpoint: its tokenizer, its graph, and the embeddings of candidate labels."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparkvision.bundle import (
    LABEL_EMBEDDINGS,
    TEXT_GOLDEN_INPUT,
    TEXT_GOLDEN_OUTPUT,
    TEXT_GRAPH,
    TOKENIZER,
)
from sparkvision.errors import ExportError, first_line
from sparkvision.export.bundle_writer import write_pair
from sparkvision.export.checkpoint import Checkpoint
from sparkvision.export.labels import CandidateLabels
from sparkvision.export.onnx_graph import open_session, read_facts, trace
from sparkvision.text_model import TextModel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    Ids = NDArray[np.int64]

_SEED = 20251121
_LABELS_PER_BATCH = 64


@dataclass(frozen=True)
class TextEncoder:
    """A loaded CLIP model as an encoder of texts: the reference that the exported text graph must agree with.

    Attributes
    ----------
    checkpoint : Checkpoint
        The whole model.
    tokenizer : Any
        The checkpoint's fast tokenizer, whose Rust library the engine runs too.
    """

    checkpoint: Checkpoint
    tokenizer: Any

    @staticmethod
    def of(checkpoint: Checkpoint) -> TextEncoder:
        """Load the tokenizer of the model.

        Raises
        ------
        ExportError
            If the checkpoint has no tokenizer that can be written as ``tokenizer.json``.
        """
        import transformers

        auto_class: Any = transformers.AutoTokenizer
        source = checkpoint.source
        try:
            tokenizer = auto_class.from_pretrained(source, use_fast=True)
        except Exception as error:  # transformers raises exceptions of many kinds for a damaged folder
            raise ExportError(f"the tokenizer of {source} cannot be loaded: {first_line(error)}") from error
        if not tokenizer.is_fast:
            raise ExportError(
                f"the tokenizer of {source} is a {type(tokenizer).__name__}, which has no tokenizer.json; "
                "save the checkpoint with its fast tokenizer"
            )
        return TextEncoder(checkpoint, tokenizer)

    @property
    def model(self) -> Any:
        """The whole model: transformers' CLIPModel."""
        return self.checkpoint.model

    @property
    def longest(self) -> int:
        """The largest number of tokens that the model reads."""
        return int(min(self.tokenizer.model_max_length, self.model.config.text_config.max_position_embeddings))

    @property
    def logit_scale(self) -> float:
        """The factor that turns a cosine into a logit."""
        return float(self.model.logit_scale.detach().exp())

    def embeds(self, input_ids: Tensor) -> Tensor:
        """Compute the source model's own ``text_embeds``, of shape [texts, size]."""
        embeds: Tensor = self.model.text_projection(self.model.text_model(input_ids=input_ids).pooler_output)
        return embeds

    def label_embeds(self, candidates: CandidateLabels) -> NDArray[np.float32]:
        """Compute the embeddings of labels, of shape [labels, size], tokenised by transformers."""
        import numpy as np

        found = []
        for start in range(0, len(candidates.labels), _LABELS_PER_BATCH):
            sentences = candidates.sentences[start : start + _LABELS_PER_BATCH]
            tokens = self.tokenizer(
                sentences, padding=True, truncation=True, max_length=self.longest, return_tensors="np"
            )
            found.append(_expected(self, tokens["input_ids"]))
        return np.concatenate(found)

    def random_ids(self, texts: int, length: int) -> Ids:
        """Return seeded tokens between the tokenizer's own first and last token."""
        import numpy as np

        first, *_, last = self.tokenizer("", add_special_tokens=True)["input_ids"]
        ids = np.random.default_rng(_SEED + length).integers(0, len(self.tokenizer), (texts, length), dtype=np.int64)
        # The text's embedding is that of the last token's first occurrence.
        ids[ids == last] = first
        ids[:, 0], ids[:, -1] = first, last
        return ids


def write(encoder: TextEncoder, candidates: CandidateLabels, folder: Path, opset: int) -> TextModel:
    """Write tokenizer, text graph, golden pair and the embeddings of the labels into a new bundle's folder.

    Raises
    ------
    ExportError
        If the model cannot be traced.
    """
    import torch

    _write_tokenizer(encoder, folder / TOKENIZER)
    example = torch.from_numpy(encoder.random_ids(2, min(7, encoder.longest)))
    free = {"input_ids": {0: "batch_size", 1: "tokens"}, "text_embeds": {0: "batch_size"}}
    with _reading_texts(encoder):
        trace(encoder.checkpoint, folder / TEXT_GRAPH, opset, {"input_ids": example}, free)
    _declare_size(folder / TEXT_GRAPH, int(encoder.model.config.projection_dim))
    ids = encoder.random_ids(2, encoder.longest)
    golden = write_pair(folder, ids.astype("float32"), _expected(encoder, ids), (TEXT_GOLDEN_INPUT, TEXT_GOLDEN_OUTPUT))
    if candidates.labels:
        encoder.label_embeds(candidates).astype("<f4").tofile(folder / LABEL_EMBEDDINGS)
    facts = read_facts(folder, TEXT_GRAPH)
    return TextModel(
        graph=TEXT_GRAPH,
        tokenizer=TOKENIZER,
        input=facts.inputs[0],
        output=facts.outputs[0],
        golden=golden,
        logit_scale=encoder.logit_scale,
        hypothesis_template=candidates.template,
        label_embeddings=LABEL_EMBEDDINGS if candidates.labels else None,
    )


@contextlib.contextmanager
def _reading_texts(encoder: TextEncoder) -> Iterator[None]:
    """Replace the model's ``forward`` within the block: it takes token ids and returns their embeddings."""
    # An attribute of the instance hides the method of the class.
    encoder.model.forward = lambda input_ids: {"text_embeds": encoder.embeds(input_ids)}
    try:
        yield
    finally:
        del encoder.model.forward


def compare(encoder: TextEncoder, folder: Path, tolerance: float) -> str:
    """Compare the written text graph with the source model, on batches of several sizes and lengths.

    Returns
    -------
    str
        The largest difference, in a sentence for the user.

    Raises
    ------
    ExportError
        If the two differ by more than the tolerance.
    """
    import numpy as np

    session = open_session(folder, TEXT_GRAPH)
    sizes = ((1, 3), (3, min(10, encoder.longest)), (2, encoder.longest))
    batches = [encoder.random_ids(texts, length) for texts, length in sizes]
    found = [np.abs(session.run(None, {"input_ids": ids})[0] - _expected(encoder, ids)).max() for ids in batches]
    difference = float(np.max(found))
    if not difference <= tolerance:
        raise ExportError(
            f"{encoder.checkpoint.source}: the exported graph's text_embeds differ from the source model's by "
            f"{difference:.3g}, more than the {tolerance:g} allowed; nothing was written. Try another --opset"
        )
    return f"largest difference in text_embeds: {difference:.2e} (allowed {tolerance:g})"


def _expected(encoder: TextEncoder, ids: Ids) -> NDArray[np.float32]:
    import numpy as np
    import torch

    with torch.no_grad():
        return np.asarray(encoder.embeds(torch.from_numpy(ids)).numpy(), dtype=np.float32)


def _write_tokenizer(encoder: TextEncoder, path: Path) -> None:
    """Write the tokenizer so that it truncates long texts, and does not pad short ones."""
    from tokenizers import Tokenizer

    backend = Tokenizer.from_str(encoder.tokenizer.backend_tokenizer.to_str())
    backend.no_padding()
    backend.enable_truncation(encoder.longest)
    backend.save(str(path), pretty=False)


def _declare_size(path: Path, size: int) -> None:
    """Write the size of an embedding into the graph if the tracer did not find it."""
    import onnx

    graph = onnx.load(path, load_external_data=False)
    dimension = graph.graph.output[0].type.tensor_type.shape.dim[1]
    if dimension.dim_value != size:
        dimension.dim_value = size
        onnx.save(graph, path)
