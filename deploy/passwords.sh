#!/usr/bin/env bash
# Generates each password that docker compose needs and .env lacks: `deploy/passwords.sh`.
#
# Makes .env from .env.example where there is none, and lets nobody but its owner read it. Another file than
# .env may be named.
set -euo pipefail
cd "$(dirname "$0")/.."
env=${1:-.env}
umask 077
[ -e "$env" ] || cp .env.example "$env"
chmod 600 "$env"

for name in POSTGRES LOADER ANALYST OPERATOR DAGSTER CELERY_BROKER; do
  if ! grep --quiet --extended-regexp "^${name}_PASSWORD(_FILE)?=." "$env"; then
    # The line break first: what stands before may have none at its end.
    printf '\n%s_PASSWORD=%s\n' "$name" "$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" >> "$env"
    echo "Generated ${name}_PASSWORD."
  fi
done
echo "The passwords are in $env, which only its owner can read."
