#!/usr/bin/env bash
# Measures everything of a GPU in under eight minutes and writes benchmarks/results/gpu.json; `benchmarks/gpu.sh --help`
# tells the options, --rehearse runs it on a CPU. PYTHON names the interpreter. With TESTS=1 the tests marked gpu run first.
set -euo pipefail
cd "$(dirname "$0")/.."
python="${PYTHON:-python}"
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
if [ "${TESTS:-0}" = 1 ]; then
  "$python" -m pytest -q -m gpu tests || echo "some tests failed on the GPU: see above"
fi
exec "$python" benchmarks/gpu.py "$@"
