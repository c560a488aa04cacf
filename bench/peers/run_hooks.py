"""Node patching by another library's interventions, in its environment: `python run_hooks.py nnsight|pyvene CASE`.

CASE holds `model.safetensors` (a checkpoint of ours) and `inputs.safetensors` ("clean" tokens and "donors" [nodes,
batch, pos, d_model]); written is `patched.safetensors` with the output under each node's name.
"""

import sys
from pathlib import Path

from safetensors.torch import load_file, save_file

from bench.models.adapters.modules import load, module_of


def by_nnsight(nodes, node, donor, tokens):
    from nnsight import NNsight

    model = NNsight(nodes)
    with model.trace(tokens):
        model.get(module_of(node)).output = donor
        output = model.output.save()
    return output


def by_pyvene(nodes, node, donor, tokens):
    import pyvene

    place = {"component": f"{module_of(node)}.output", "intervention": lambda base, source: donor}
    return pyvene.IntervenableModel(place, model=nodes)({"tokens": tokens})[1]


LIBRARIES = {"nnsight": by_nnsight, "pyvene": by_pyvene}


def main():
    library, folder = LIBRARIES[sys.argv[1]], Path(sys.argv[2])
    inputs, nodes = load_file(folder / "inputs.safetensors"), load(folder / "model.safetensors")
    found = {
        node: library(nodes, node, donor, inputs["clean"]).detach().contiguous()
        for node, donor in zip(nodes.model.sources, inputs["donors"], strict=True)
    }
    save_file(found, folder / "patched.safetensors")


if __name__ == "__main__":
    main()
