#!/usr/bin/env bash
# The whole pipeline in one command, also on a fresh machine: installs what is missing, builds,
# generates a sample shop where data/raw is empty (and says so), and runs.
# Arguments are passed to `ecluse run`.
set -euo pipefail
project="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

if [[ -f "$project/CMakeLists.txt" ]]; then
  "$project/scripts/install-dependencies" # make itself may be missing
  make -s -C "$project"
  ecluse="$project/build/ecluse"
else
  ecluse="$(command -v ecluse)" || { echo "ecluse is neither built nor installed" >&2; exit 2; }
fi

raw="$project/data/raw"
if [[ -z "$(find "$raw" -type f ! -name '.*' -print -quit 2>/dev/null)" ]]; then
  echo "🧪 data/raw is empty: generating a sample shop there (delete it and drop your own files)" >&2
  "$ecluse" generate "$raw" --quiet
fi

exec "$ecluse" -C "$project" run "$@"
