"""Words to unit vectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal
from typing import Protocol

import torch
from torch import Tensor
from torch import nn

from sounddesk.domain.naming import as_utf8
from sounddesk.engine.models.diffusers_weights import load_transformers_model
from sounddesk.engine.models.quantised_weights import load_weights
from sounddesk.engine.models.quantised_weights import stored_as
from sounddesk.engine.models.weight_budget import build_within


class TextEncoder(Protocol):
    """What the pipeline needs of a text encoder.

    Attributes:
        width: Lt, width of a text vector.
    """

    width: int

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Texts -> unit vectors float32[N, Lt]; any text, also one that is no UTF-8."""
        ...


class SentenceEncoder(nn.Module):
    """A BERT sentence encoder: mean over tokens, then L2 norm (as all-MiniLM-L6-v2)."""

    def __init__(self, model: nn.Module, tokenizer_file: Path, *, max_tokens: int = 128) -> None:
        super().__init__()
        from tokenizers import Tokenizer

        self.model = model
        self.tokenizer = Tokenizer.from_file(str(tokenizer_file))
        self.tokenizer.enable_truncation(max_tokens)
        self.tokenizer.enable_padding()
        self.width = int(model.config.hidden_size)  # type: ignore[union-attr,arg-type]

    @torch.no_grad()
    def encode(self, texts: Sequence[str]) -> Tensor:
        encoded = self.tokenizer.encode_batch([as_utf8(text) for text in texts])
        device = next(self.parameters()).device
        ids = torch.tensor([e.ids for e in encoded], device=device)
        mask = torch.tensor([e.attention_mask for e in encoded], device=device)
        hidden = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        pooled = (hidden * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
        return nn.functional.normalize(pooled.float(), dim=-1)

    @classmethod
    def load(cls, folder: Path, state: dict[str, Tensor] | None = None) -> SentenceEncoder:
        """Read `config.json`, `tokenizer.json` and the weights (or take them from `state`)."""
        from transformers.models.bert.configuration_bert import BertConfig
        from transformers.models.bert.modeling_bert import BertModel

        if state is None:
            # Not by transformers, which would take rows of int8 for the weights themselves.
            state = load_weights(folder / "model.safetensors")
        config = BertConfig.from_json_file(folder / "config.json")
        model = build_within(lambda: BertModel(config, add_pooling_layer=False), folder)
        missing, unexpected = model.load_state_dict(state, strict=False)
        # position_ids is a constant buffer that some checkpoints carry and others do not.
        if [k for k in missing if "position_ids" not in k] or unexpected:
            raise ValueError(f"text encoder weights do not fit: missing {missing}, unexpected {unexpected}")
        return cls(model.float().eval(), folder / "tokenizer.json")


class ClapTextEncoder(nn.Module):
    """AudioLDM's CLAP text tower: 512-d, normalised here because the model itself does not."""

    def __init__(self, model: nn.Module, folder: Path) -> None:
        super().__init__()
        from transformers import AutoTokenizer

        self.model = model
        self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.width = int(model.config.projection_dim)  # type: ignore[union-attr,arg-type]

    @torch.no_grad()
    def encode(self, texts: Sequence[str], *, padding: Literal["max_length", "longest"] = "max_length") -> Tensor:
        """Texts -> unit vectors float32[N, Lt].

        Args:
            padding: AudioLDM pads to 512 tokens. What is padded is not attended to, so 'longest' gives the same
                vectors up to rounding, and short texts in a fiftieth of the time.
        """
        device = next(self.parameters()).device
        plain = [as_utf8(text) for text in texts]
        tokens = self.tokenizer(plain, padding=padding, max_length=512, truncation=True, return_tensors="pt")
        output = self.model(**tokens.to(device)).text_embeds
        return nn.functional.normalize(output.float(), dim=-1)

    @classmethod
    def load(cls, folder: Path) -> ClapTextEncoder:
        """Read a folder of transformers, and the tokenizer in it or beside it.

        Raises:
            ValueError: weights stored as rows of int8, which transformers would take for the weights themselves.
        """
        if any(stored_as(file) == "int8-rowwise" for file in folder.glob("*.safetensors")):
            raise ValueError(f"class {cls.__name__!r} cannot be stored as int8-rowwise")
        from transformers.models.clap.modeling_clap import ClapTextModelWithProjection

        model = load_transformers_model(ClapTextModelWithProjection, folder)
        tokenizer_folder = folder.parent / "tokenizer"
        return cls(model.eval(), tokenizer_folder if tokenizer_folder.exists() else folder)


class ClipTextEncoder(nn.Module):
    """CLIP's text tower with its projection, into the space that its images are projected to."""

    def __init__(self, model: nn.Module, folder: Path) -> None:
        super().__init__()
        from transformers import AutoTokenizer

        self.model = model
        self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.width = int(model.config.projection_dim)  # type: ignore[union-attr,arg-type]

    @torch.no_grad()
    def encode(self, texts: Sequence[str]) -> Tensor:
        device = next(self.parameters()).device
        longest = int(self.model.config.max_position_embeddings)  # type: ignore[union-attr,arg-type]
        plain = [as_utf8(text) for text in texts]
        tokens = self.tokenizer(plain, padding=True, max_length=longest, truncation=True, return_tensors="pt")
        output = self.model(**tokens.to(device)).text_embeds
        return nn.functional.normalize(output.float(), dim=-1)

    @classmethod
    def load(cls, folder: Path) -> ClipTextEncoder:
        """Read a folder of transformers that holds CLIP whole, or its text tower.

        Raises:
            OSError, ValueError: there is no such tower or no tokenizer in it.
        """
        from transformers.models.clip.modeling_clip import CLIPTextModelWithProjection

        return cls(load_transformers_model(CLIPTextModelWithProjection, folder).eval(), folder)
