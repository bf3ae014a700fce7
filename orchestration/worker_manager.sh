#!/usr/bin/env bash
# Runs the pipeline with a number of workers: worker_manager.sh [N] [options of `ecluse run`].
# Without N the configuration decides (data_workers, by default CPUs - 1).
set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
jobs=()
if [[ "${1:-}" =~ ^[0-9]+$ ]]; then
  jobs=(--jobs "$1")
  shift
fi
exec bash "$here/pipeline_master.sh" "${jobs[@]}" "$@"
