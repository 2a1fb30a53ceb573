"""Write instructions.json: what each kernel of tests/test_instructions.py takes per element.

    python tests/data/make_instructions.py

For a change that is meant to take more, or has come to take less.
"""

import json
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from programs import build_counter  # noqa: E402
from test_instructions import BASELINE, CASES, COUNTED, compiler, count, name  # noqa: E402

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        program = build_counter(Path(folder), COUNTED)
        counts = {name(case): round(count(program, case), 3) for case in CASES}
    BASELINE.write_text(json.dumps({"gcc": compiler(), "instructions per element": counts}, indent=1) + "\n")
    print(BASELINE.read_text(), end="")
