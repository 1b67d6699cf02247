#!/bin/sh
# Makes the certificates of a cluster, unless they are there.
cd "$(dirname "$0")/.." || exit 1
test -e "${1:-/var/lib/rnnlab-cluster}/authority.pem" && exit 0
exec .venv/bin/python -m rnnlab cluster certificates "${1:-/var/lib/rnnlab-cluster}"
