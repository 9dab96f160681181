#!/usr/bin/env bash
# Writes constraints.txt (exact versions of all that the extras need, on every platform and Python)
# and the hashes of those versions, *.lock in this folder. Needs uv; torch-cpu.lock is by hand.
#
#   requirements/lock.sh             after a change of pyproject.toml: versions stay where they can
#   requirements/lock.sh --upgrade   takes the newest versions, but for those in held.txt
set -euo pipefail
cd "$(dirname "$0")/.."

resolve() {
  uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 \
    --no-annotate --no-header "$@" >/dev/null
}

# with_header FILE LINE...: puts comments on top of a file
with_header() {
  local file=$1 text
  shift
  text=$(cat "$file")
  printf '%s\n' "$@" "$text" >"$file"
}

resolve pyproject.toml --extra test --extra dev --extra docs --constraint requirements/held.txt "$@" \
  --output-file constraints.txt
with_header constraints.txt \
  "# Exact versions the set-up commands install; ranges are in pyproject.toml." \
  "# Written by requirements/lock.sh, and so are their hashes, requirements/*.lock."

# hashed NAME COMMENT INPUT...: the hashes of what the input needs
hashed() {
  local name=$1 comment=$2
  shift 2
  rm -f "requirements/$name.lock"
  resolve "$@" --generate-hashes --constraint constraints.txt --output-file "requirements/$name.lock"
  with_header "requirements/$name.lock" "# $comment" "# Written by requirements/lock.sh."
}

# PyTorch has a lock of its own, with the libraries that its build for GPUs names
mapfile -t libraries < <(grep -oE '^(torch|triton|cuda-[a-z]+|nvidia-[a-z0-9-]+)==' constraints.txt)
without=()
for each in "${libraries[@]}"; do without+=(--no-emit-package "${each%==}"); done

hashed build "What builds packages that come as source, and this one; installed first." - <<<$'setuptools\nsetuptools-scm'
hashed torch "PyTorch as the public index has it, with the libraries that its build for GPUs needs." - <<<"torch"
hashed carnet "What predicts (make demo), but for PyTorch." pyproject.toml --extra carnet "${without[@]}"
hashed app "What the app needs (Dockerfile), but for PyTorch." pyproject.toml --extra app "${without[@]}"
hashed test "What tests (make test), but for PyTorch." pyproject.toml --extra test --extra dev "${without[@]}"
hashed docs "What builds the site (make docs), but for PyTorch." pyproject.toml --extra docs "${without[@]}"
