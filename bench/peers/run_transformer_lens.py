"""What a HookedTransformer says, where TransformerLens 2.x or 3.x is: `python run_transformer_lens.py CASE`.

Of ours, the exporter alone is imported. CASE holds `case.json` (its configuration) and `case.safetensors` (its tensors,
and "tokens"); written are `said.safetensors` ("output") and the folder `export`.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformer_lens import HookedTransformer, HookedTransformerConfig

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "models" / "adapters"))
from export_transformer_lens import export


def main():
    folder = Path(sys.argv[1])
    told, state = json.loads((folder / "case.json").read_text()), load_file(folder / "case.safetensors")
    tokens = state.pop("tokens")
    model = HookedTransformer(HookedTransformerConfig.from_dict(told))
    buffers = {name for name, _ in model.named_buffers()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected, unexpected
    assert set(missing) <= buffers, set(missing) - buffers
    with torch.no_grad():
        output = model.eval()(tokens)
    save_file({"output": output.contiguous()}, folder / "said.safetensors")
    export(model, folder / "export")


if __name__ == "__main__":
    main()
