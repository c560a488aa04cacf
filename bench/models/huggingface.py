"""Causal language models of Hugging Face, by folder or by name, as transformers of ours.

A name is looked up in the local cache of `huggingface_hub` and never fetched: what is run is what lies on this machine.
Read are Llama, Qwen2, Qwen3, GPT-2 and GPT-NeoX (Pythia), from config.json, safetensors and tokenizer.json; everything
that we do not compute is refused.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
from tokenizers import Tokenizer

from bench.core.contract import BadInput
from bench.models import gpt2, gpt_neox, llama, model_folder
from bench.models.checkpoint import Config
from bench.models.prompts import Reader
from bench.models.transformer import Transformer

ARCHITECTURES: dict[str, ModuleType] = {
    model_type: module for module in (llama, gpt2, gpt_neox) for model_type in module.MODEL_TYPES
}


def load(model: Path | str, dtype: torch.dtype = torch.float32, device: str | torch.device = "cpu") -> Transformer:
    """A causal language model by its folder, or by the name of one in the cache ("gpt2", "EleutherAI/pythia-70m").

    Raises `BadInput` where there is none, or where it holds something that we do not compute.
    """
    config, weights = arrays(model)
    return Transformer(config, weights, dtype, device)


def arrays(model: Path | str) -> tuple[Config, dict[str, np.ndarray]]:
    """The configuration and the tensors of `bench.models.checkpoint`, in float32."""
    folder = find(model)
    told = model_folder.read_config(folder)
    if told.get("model_type") not in ARCHITECTURES:
        raise BadInput(f"{folder}: model_type is {told.get('model_type')!r}; choose one of {tuple(ARCHITECTURES)}")
    architecture = ARCHITECTURES[told["model_type"]]
    config = architecture.read_shape(told)
    return config, architecture.read_weights(told, config, model_folder.read_tensors(folder))


def reader(model: Path | str) -> Reader:
    """The model's tokenizer, and the token that begins its texts: `bos_token_id` of config.json, where there is one."""
    folder = find(model)
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise BadInput(f"{folder}: there is no tokenizer.json; save the model's fast tokenizer beside it")
    return Reader(Tokenizer.from_file(str(path)), model_folder.read_config(folder).get("bos_token_id"))


def find(model: Path | str) -> Path:
    """The model's folder: the one that is given, or the cached snapshot of a name."""
    if Path(model).is_dir():
        return Path(model)
    try:
        return Path(snapshot_download(str(model), local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError) as error:
        raise BadInput(
            f"model {str(model)!r} is neither a folder nor in the cache of Hugging Face; fetch it with"
            f" `hf download {model}` or give its folder"
        ) from error
