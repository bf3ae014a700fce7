#!/usr/bin/env bash
# Shows how the last runs went and checks the machine; exit 1 where the last run's gate failed.
set -euo pipefail
project="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
ecluse="$project/build/ecluse"
[[ -x "$ecluse" ]] || ecluse="$(command -v ecluse)" || { echo "ecluse is not built: run make" >&2; exit 2; }
"$ecluse" -C "$project" history --limit 10
if [[ -f "$project/data/quality/quality_alert.txt" ]]; then
  cat "$project/data/quality/quality_alert.txt"
  exit 1
fi
