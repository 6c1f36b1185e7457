#!/usr/bin/env bash
# Subject:  huggingface_hub 1.33.0, ModelCard: results of two tasks in a card's `model-index`
# Guess:    A card that tells the results of two tasks on one dataset is read as it is written, with two tasks: the Hub's
#           documentation has a task's name beside its type, and writing what was read changes nothing.
# Happens:  Results whose tasks differ in their names alone become one: the first name stays, and with it both accuracies. Two
#           numbers that belong to different tasks then stand for one, and which is which is lost. Names of datasets are left
#           out likewise; another `config`, split or type keeps results apart.
# Source:   https://huggingface.co/docs/hub/model-cards ("Specifying a task", evaluation results); `EvalResult.unique_identifier`
#           and `eval_results_to_model_index` in huggingface_hub/repocard_data.py.
# Matters:  mien's models have two heads, judged on the same images by different labels. Each head's results have a `config` of
#           their own (src/mien/training/export/card.py).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check huggingface_hub==1.33.0 || { echo "not checked: no package"; exit 2; }
cd "$work"
HF_HUB_OFFLINE=1 HOME=$work "$work/env/bin/python" - <<'PY'
import sys

import huggingface_hub
import yaml
from huggingface_hub import ModelCard

ACCURACY = {"votes": 0.9, "labels": 0.7}


def read(**changes):
    """The names and accuracies of a card's results, as the library writes what it has read."""
    results = [
        {
            "task": {"type": "image-classification", "name": name},
            "dataset": {"type": "faces", "name": "Faces", "split": "test", **{key: name for key in changes}},
            "metrics": [{"type": "accuracy", "value": value}],
        }
        for name, value in ACCURACY.items()
    ]
    head = yaml.safe_dump({"model-index": [{"name": "reader", "results": results}]})
    (model,) = ModelCard(f"---\n{head}---\n# reader\n").data.to_dict()["model-index"]
    return [(each["task"]["name"], [metric["value"] for metric in each["metrics"]]) for each in model["results"]]


print("huggingface_hub", huggingface_hub.__version__)
plain, apart = read(), read(config=True)
print("two tasks by name:  ", plain)
print("and a config each:  ", apart)
same = plain == [("votes", [0.9, 0.7])] and apart == [("votes", [0.9]), ("labels", [0.7])]
print("as described" if same else "changed: see above")
sys.exit(not same)
PY
