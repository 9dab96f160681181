"""Files of tensors that a command reads, and the data of the pages it writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np


def written(values: Any, **stated: Any) -> str:
    document = {"tensor": np.asarray(values).tolist(), "class": "elastic", **stated}
    Path("tensor.json").write_text(json.dumps(document))
    return "tensor.json"


def page_data(path: str) -> dict[str, Any]:
    """Return the JSON inside a page."""
    text = Path(path).read_text(encoding="utf-8")
    start = text.index(">", text.index('id="document"')) + 1
    found: dict[str, Any] = json.loads(text[start : text.index("</script>", start)])
    return found
