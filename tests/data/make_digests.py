"""Write digests.json: the bits of every loss as the kernels with fused multiply-add compute them.

    python tests/data/make_digests.py

For a change that is meant to move bits; the diff shows which losses it moved.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from test_equivalence import digests  # noqa: E402

if __name__ == "__main__":
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in digests().items()]
    (HERE / "digests.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{len(lines)} cases")
