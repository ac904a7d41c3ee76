#!/usr/bin/env bash
# Brings docker-compose.yml up for real and tries to break it: `deploy/verify-compose.sh`.
#
# Needs Docker with Compose 2.24 or later, curl, openssl and python3. It uses a project, volumes and
# ports of its own, and removes them at the end. Without ISOBAR_IMAGE it builds the image first.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
chmod 755 "$work"
export COMPOSE_PROJECT_NAME="isobar-verify-$$"
compose=(docker compose --env-file "$work/.env" --file docker-compose.yml)

step() { printf '%s  %s\n' "$(date +%T)" "$*"; }
fail() {
  printf 'FAILED: %s\n' "$*" >&2
  "${compose[@]}" ps --all >&2 || true
  "${compose[@]}" logs --tail 30 >&2 || true
  exit 1
}
trap '"${compose[@]}" down --volumes --timeout 20 >/dev/null 2>&1 || true; rm -rf "$work"' EXIT

free_port() { python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# GRAPHQL VARIABLES -> what the UI's API answers.
ask() {
  python3 -c 'import json, sys; print(json.dumps({"query": sys.argv[1], "variables": json.loads(sys.argv[2])}))' "$1" "${2:-{\}}" |
    curl --silent --show-error --fail --retry 5 --retry-all-errors --max-time 60 \
      --header 'Content-Type: application/json' --data @- "$ui/graphql"
}
read_json() { python3 -c "import json, sys; told = json.load(sys.stdin)['data']; print($1)"; }

# JOB -> the id of the run that the UI's API launched.
launch() {
  ask 'mutation ($job: String!) { launchRun(executionParams: {runConfigData: "{}",
    selector: {repositoryLocationName: "pipelines", repositoryName: "__repository__", jobName: $job}}) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }' "{\"job\": \"$1\"}" |
    read_json 'told["launchRun"]["run"]["runId"]'
}
status_of() {
  ask 'query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }' "{\"id\": \"$1\"}" |
    read_json 'told["runOrError"]["status"]'
}
# JOB -> what became of its newest run.
last_of() {
  ask 'query ($job: String!) { runsOrError(filter: {pipelineName: $job}, limit: 1) {
    ... on Runs { results { status } } } }' "{\"job\": \"$1\"}" | read_json 'told["runsOrError"]["results"][0]["status"]'
}
# WORDS... -> waits until the command succeeds, five minutes at most.
wait_for() {
  local what=$1 deadline=$((SECONDS + 300))
  shift
  until "$@" 2>/dev/null; do
    [ "$SECONDS" -lt "$deadline" ] || fail "$what: not within five minutes"
    sleep 1
  done
}
has_begun() { [ "$(status_of "$1")" = STARTED ]; }
has_ended() { case "$(status_of "$1")" in SUCCESS | FAILURE | CANCELED) ;; *) return 1 ;; esac; }
nothing_under_way() {
  [ "$(ask '{ runsOrError(filter: {statuses: [QUEUED, NOT_STARTED, STARTING, STARTED, CANCELING]}) {
    ... on Runs { results { runId } } } }' | read_json 'len(told["runsOrError"]["results"])')" = 0 ]
}
# A killed run is repeated by a new one, which is there only a moment later.
is_made_good() { nothing_under_way && [ "$(last_of flights_rebuild)" = SUCCESS ]; }
# psql's words -> what it prints, as the analyst by password.
analyst() {
  "${compose[@]}" exec -T --env PGPASSWORD="$(cat "$work/analyst")" postgres psql --host postgres \
    --username isobar_analyst --dbname isobar --quiet --no-align --tuples-only --set ON_ERROR_STOP=1 "$@"
}
query() { analyst --command "$1"; }
# A checksum of each table with its rows.
checksums() {
  query "SELECT format('SELECT %L, count(*), md5(string_agg(t::text, '''' ORDER BY t::text)) FROM %s t;', oid::regclass, oid::regclass)
    FROM pg_class WHERE relkind = 'r' AND relnamespace::regnamespace::text IN
    ('flights', 'bookings', 'shipments', 'solar', 'weather', 'metrics', 'ops') ORDER BY oid::regclass::text" > "$work/ask.sql"
  analyst < "$work/ask.sql"
}
balanced() {
  [ "$(query 'SELECT count(*) > 0 AND bool_and(read_count = loaded_count + unchanged_count + rejected_count)
    FROM ops.deliveries')" = t ]
}
# Keeps whoever loads flights waiting, for so many seconds.
hold_flights() {
  "${compose[@]}" exec -T postgres psql --username isobar --dbname isobar --quiet \
    --command "BEGIN; LOCK TABLE flights.legs; SELECT pg_sleep($1)" >/dev/null 2>&1 || true
}

answer() { curl --silent --insecure --output /dev/null --write-out '%{http_code}' "$@"; }

ui_port=$(free_port) postgres_port=$(free_port) dashboard_port=$(free_port)
ui="http://127.0.0.1:$ui_port"
cat > "$work/.env" <<END
ISOBAR_SOURCES=sandbox
COMPOSE_PROFILES=sandbox,dashboard
ISOBAR_PORT=$ui_port
DASHBOARD_PORT=$dashboard_port
POSTGRES_PORT=$postgres_port
ISOBAR_IMAGE=${ISOBAR_IMAGE:-isobar:verify}
LOADER_PASSWORD=
END
if [ -z "${ISOBAR_IMAGE:-}" ]; then
  step "building the image"
  "${compose[@]}" build --quiet sandbox
fi

step "missing passwords stop the start, with the list of what to set"
if "${compose[@]}" up --detach --no-build --quiet-pull >/dev/null 2>&1; then fail "it started without passwords"; fi
told=$("${compose[@]}" logs configuration)
for name in POSTGRES LOADER ANALYST OPERATOR DAGSTER; do
  [[ $told == *" ${name}_PASSWORD"* ]] || fail "${name}_PASSWORD is not asked for"
done

step "it comes up: passwords from .env, from files and generated, some with characters that need quoting"
for name in postgres analyst; do
  printf '%s\n' "$(openssl rand -hex 12)@/:#'% " > "$work/$name"
  chmod 444 "$work/$name"
  echo "${name^^}_PASSWORD_FILE=$work/$name" >> "$work/.env"
done
echo "LOADER_PASSWORD='$(openssl rand -hex 12)@/:#%'" >> "$work/.env"
deploy/passwords.sh "$work/.env" >/dev/null
"${compose[@]}" up --detach --no-build --wait --wait-timeout 600 >/dev/null 2>&1 || fail "it did not come up"

step "not root, nothing writable but volumes, no port but on loopback"
for service in code web daemon sandbox dashboard; do
  id=$("${compose[@]}" ps --quiet "$service")
  found=$(docker inspect --format '{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}' "$id")
  [ "$found" = "10001:10001 true [ALL]" ] || fail "$service is $found"
done
for id in $("${compose[@]}" ps --quiet); do
  ! docker port "$id" | grep --invert-match ' 127\.0\.0\.1:' || fail "a port is open to others"
done
size=$(docker image inspect --format '{{.Size}}' "${ISOBAR_IMAGE:-isobar:verify}")
step "the image has $((size / 1000000)) MB"
[ "$size" -le 1000000000 ] || fail "the image has grown"

step "every source, launched through the UI's API"
for job in flights bookings shipments weather; do
  run=$(launch "$job")
  wait_for "the run of $job" has_ended "$run"
  [ "$(status_of "$run")" = SUCCESS ] || fail "the run of $job: $(status_of "$run")"
done
for table in flights.prices bookings.events shipments.articles weather.observations; do
  [ "$(query "SELECT count(*) > 0 FROM $table")" = t ] || fail "$table is empty"
done
balanced || fail "the ledger does not add up"
[ "$(answer "http://127.0.0.1:$dashboard_port/_stcore/health")" = 200 ] || fail "the dashboards do not answer"
if query "DELETE FROM flights.prices" 2>/dev/null; then fail "the analyst may write"; fi

for service in web daemon sandbox postgres code; do
  step "restarting $service in the middle of a run"
  hold_flights 25 &
  sleep 2
  run=$(launch flights_rebuild)
  wait_for "the run's start" has_begun "$run"
  "${compose[@]}" restart --timeout "$([ "$service" = code ] && echo 1 || echo 20)" "$service" >/dev/null 2>&1
  wait
  wait_for "what runs" nothing_under_way
  if [ "$service" = postgres ] && [ "$(last_of flights_rebuild)" = FAILURE ]; then # and rolled back
    launch flights_rebuild >/dev/null
  fi
  wait_for "a good run after a restart of $service" is_made_good
  balanced || fail "the ledger does not add up after a restart of $service"
done

step "down and up again, with all data there"
"${compose[@]}" stop --timeout 60 daemon code web sandbox >/dev/null 2>&1
checksums > "$work/before"
"${compose[@]}" down --timeout 60 >/dev/null 2>&1
"${compose[@]}" up --detach --no-build postgres >/dev/null 2>&1
wait_for "PostgreSQL" query "SELECT 1" >/dev/null
checksums > "$work/after"
[ -s "$work/before" ] || fail "there is no table to compare"
diff "$work/before" "$work/after" || fail "the data is not the same"
"${compose[@]}" up --detach --no-build --wait --wait-timeout 600 >/dev/null 2>&1 || fail "it did not come up again"
[ "$(last_of flights_rebuild)" = SUCCESS ] || fail "the history of runs is gone"

step "a backup, and back from it"
"${compose[@]}" --profile tools run --rm tools isobar backup /backups/verify >/dev/null 2>&1 || fail "no backup"
"${compose[@]}" stop --timeout 60 daemon code web sandbox >/dev/null 2>&1
checksums > "$work/before"
"${compose[@]}" exec -T postgres psql --username isobar --dbname isobar --quiet --command \
  "TRUNCATE flights.prices CASCADE; DELETE FROM shipments.articles" >/dev/null || fail "nothing could be destroyed"
"${compose[@]}" --profile tools run --rm tools isobar restore /backups/verify --replace >"$work/restored" 2>&1 ||
  { cat "$work/restored" >&2; fail "no restore"; }
query "SELECT count(*) > 0 FROM flights.prices" | grep --quiet t || fail "the prices are not back"

step "viewers and operators come in by their passwords, over TLS"
hash=$("${compose[@]}" --profile access run --rm --no-deps proxy caddy hash-password --plaintext word 2>/dev/null)
viewers=$(free_port) operators=$(free_port) dashboards=$(free_port)
cat >> "$work/.env" <<END
VIEWER_PASSWORD_HASH='$hash'
OPERATOR_PASSWORD_HASH='$hash'
ACCESS_PORT=$(free_port)
VIEWERS_PORT=$viewers
OPERATORS_PORT=$operators
DASHBOARD_SITE_PORT=$dashboards
BROKER_PORT=$(free_port)
CELERY_BROKER_URL=redis://default@broker:6379/0
END
sed --in-place 's/^COMPOSE_PROFILES=.*/COMPOSE_PROFILES=sandbox,dashboard,access,workers/' "$work/.env"
"${compose[@]}" up --detach --no-build --wait --wait-timeout 600 >/dev/null 2>&1 || fail "it did not come up with all profiles"
[ "$(answer "https://localhost:$viewers/server_info")" = 401 ] || fail "viewers come in without a password"
[ "$(answer --user viewer:word "https://localhost:$viewers/server_info")" = 200 ] || fail "viewers do not come in"
[ "$(answer --user viewer:word "https://localhost:$operators/server_info")" = 401 ] || fail "viewers operate"
[ "$(answer --user operator:word "https://localhost:$operators/server_info")" = 200 ] || fail "operators do not come in"
[ "$(answer "https://localhost:$dashboards/")" = 401 ] || fail "dashboards are shown without a password"
[ "$(answer --user viewer:word "https://localhost:$dashboards/_stcore/health")" = 200 ] || fail "viewers see no dashboards"

step "runs are executed by workers"
printf '%s\n' tracking_number,carrier,sender_address,receiver_address,article_name,article_quantity,article_price,sku,status \
  'VERIFY1,DHL,"Street 5, 111 51 Stockholm, Sweden","Street 15, 75001 Paris, France",Book,1,20,BK1,in-transit' > "$work/verify.csv"
chmod 644 "$work/verify.csv"
"${compose[@]}" cp "$work/verify.csv" sandbox:/var/lib/isobar/inbox/shipments/ >/dev/null 2>&1
for job in flights_rebuild shipments; do
  run=$(launch "$job")
  wait_for "the run of $job" has_ended "$run"
  [ "$(status_of "$run")" = SUCCESS ] || fail "the run of $job by a worker: $(status_of "$run")"
  ask 'query ($id: ID!) { runOrError(runId: $id) { ... on Run { tags { key } } } }' "{\"id\": \"$run\"}" |
    read_json '[tag["key"] for tag in told["runOrError"]["tags"]]' | grep --quiet dagster-celery ||
    fail "the run of $job was not a worker's"
done
is_there() { [ "$(query "SELECT count(*) FROM shipments.shipments WHERE tracking_number = 'VERIFY1'")" = 1 ]; }
wait_for "the file's row" is_there
balanced || fail "the ledger does not add up after the workers' runs"

step "all well: $(wc -l < "$work/after") tables compared"
