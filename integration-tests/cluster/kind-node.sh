#!/bin/sh
# What may happen to a machine, for the nodes of a kind cluster (they are containers): kind-node.sh FAULT NODE
#   power-off, power-on   it ends from one moment to the next; it is switched on again
#   cut, heal             its network is gone; it is back
set -eu
case "$1" in
  power-off) docker kill "$2" ;;
  power-on) docker start "$2" ;;
  cut) docker network disconnect kind "$2" ;;
  heal) docker network connect kind "$2" ;;
  *) echo "$0: no fault $1" >&2; exit 2 ;;
esac
