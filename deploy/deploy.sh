#!/usr/bin/env bash
# Brings a server to a version: `deploy/deploy.sh v1.2.3 IMAGE`, in its clone, whose .env has the passwords.
#
# Makes a backup, fetches the tag and the image, and starts what changed; runs under way may end first. When the
# new version does not come up, what it says is shown, and .env and clone are those of the old one: the way back is
# docs/production.md, "Updating and rolling back".
set -euo pipefail
tag=${1:?which tag, such as v1.2.3} image=${2:?which image}
cd "$(dirname "$0")/.."

if [ -n "$(docker compose ps --all --quiet postgres)" ]; then # by the version that made the data
  docker compose run --rm tools isobar backup "/backups/$(date --utc +%Y-%m-%dT%H%M%SZ)-before-$tag"
fi
git fetch --quiet --tags origin
before=$(git symbolic-ref --quiet --short HEAD || git rev-parse HEAD)
trap 'git -c advice.detachedHead=false checkout --quiet "$before"' EXIT
git -c advice.detachedHead=false checkout --quiet "$tag"
export ISOBAR_IMAGE=$image # before what .env has
docker pull --quiet "$image"
docker compose pull --quiet --ignore-buildable
if ! docker compose up --detach --no-build --remove-orphans --wait --wait-timeout 900; then
  docker compose logs --tail 50
  exit 1
fi
trap - EXIT
if grep --quiet '^ISOBAR_IMAGE=' .env; then
  sed --in-place "s|^ISOBAR_IMAGE=.*|ISOBAR_IMAGE=$image|" .env
else
  printf '\nISOBAR_IMAGE=%s\n' "$image" >> .env
fi
docker compose exec -T code isobar status
