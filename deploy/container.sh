#!/bin/sh
# What runs in the container: the app, and after it nothing else before the supervisor has stopped the runs, since a
# container ends with its first process.
cd "$(dirname "$0")/.." || exit 1
.venv/bin/python -m streamlit run streamlit_app.py --server.headless=true --server.fileWatcherType=none \
    --server.address="${RNNLAB_ADDRESS:-0.0.0.0}" --server.port="${RNNLAB_PORT:-8501}" &
app=$!
# the app passes it on to the supervisor, which saves the runs
trap 'kill -TERM "$app"' INT TERM
wait "$app"
# a wait that a signal has interrupted
wait "$app"
status=$?
trap '' INT TERM
flock --timeout 25 "$RNNLAB_HOME/supervisor.lock" true
exit "$status"
