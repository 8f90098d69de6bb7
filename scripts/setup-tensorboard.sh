#!/usr/bin/env bash
# A Python that has TensorBoard, for the tests of event files: the one that is here, or a virtual environment.
#
#   eval "$(bash scripts/setup-tensorboard.sh)"
#
# Prints the variable that names it. Exits with 3, and says why on standard error, where there is none; the test then skips itself.
set -euo pipefail

refuse() {
  echo "no TensorBoard: $1" >&2
  exit 3
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
has_it() {
  "$1" -c 'import tensorboard.backend.event_processing.event_accumulator' 2>/dev/null
}

for python in "${LOCKSTEP_TENSORBOARD_PYTHON:-python3}" "$PWD/.venv-tensorboard/bin/python"; do
  if has_it "$python"; then
    printf 'export LOCKSTEP_TENSORBOARD_PYTHON=%q\n' "$python"
    exit
  fi
done
python3 -m venv .venv-tensorboard >&2 || refuse 'python3 makes no virtual environment'
python="$PWD/.venv-tensorboard/bin/python"
# Its reader needs no web server, so a package that is missing there may be missing.
"$python" -m pip install --quiet --retries 0 --timeout 20 tensorboard setuptools >&2 ||
  "$python" -m pip install --quiet --retries 0 --timeout 20 --no-deps tensorboard numpy protobuf absl-py packaging setuptools >&2 ||
  refuse 'pip install tensorboard failed'
has_it "$python" || refuse 'its reader cannot be loaded'
printf 'export LOCKSTEP_TENSORBOARD_PYTHON=%q\n' "$python"
