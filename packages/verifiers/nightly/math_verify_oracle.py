"""Judges pairs by math-verify: reads lines {"gold", "prediction"} on stdin, answers each by a line {"equal": true | false | null, "error"?}.

null: math-verify could not read one of them, or gave up. Needs `pip install "math-verify[antlr4-13-2]"`.
"""

import json
import logging
import sys

from math_verify import parse, verify

logging.disable(logging.CRITICAL)


def judge(gold, prediction):
    parsed = [parse(text, parsing_timeout=5, raise_on_error=True) for text in (gold, prediction)]
    if not all(parsed):
        return {"equal": None, "error": "not readable"}
    return {"equal": bool(verify(*parsed, timeout_seconds=5, raise_on_error=True))}


print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    row = json.loads(line)
    try:
        answer = judge(row["gold"], row["prediction"])
    except Exception as error:  # a time limit, or whatever SymPy raises
        answer = {"equal": None, "error": f"{type(error).__name__}: {error}"[:120]}
    print(json.dumps(answer), flush=True)
