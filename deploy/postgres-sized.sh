#!/bin/sh
# Starts PostgreSQL in a container of its own with settings for its memory and processors: a quarter
# of the container's limit, or of the machine. What compose passes takes precedence.
set -eu

memory=$(awk '/^MemTotal/ {print int($2 / 1024)}' /proc/meminfo)
for file in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
  limit=$(cat "$file" 2>/dev/null || true)
  case $limit in
    "" | *[!0-9]*) ;;
    *) [ $((limit / 1048576)) -ge "$memory" ] || memory=$((limit / 1048576)) ;;
  esac
done

# between LEAST VALUE MOST
between() {
  if [ "$2" -lt "$1" ]; then echo "$1"; elif [ "$2" -gt "$3" ]; then echo "$3"; else echo "$2"; fi
}

cores=$(nproc)
exec docker-entrypoint.sh postgres \
  -cshared_buffers="$(between 128 $((memory / 4)) 16384)MB" \
  -ceffective_cache_size="$(between 256 $((memory * 3 / 4)) 262144)MB" \
  -cwork_mem="$(between 4 $((memory / 256)) 128)MB" \
  -cmaintenance_work_mem="$(between 64 $((memory / 16)) 2048)MB" \
  -cmax_wal_size="$(between 1024 $((memory / 2)) 16384)MB" \
  -cmax_parallel_workers="$cores" \
  -cmax_parallel_workers_per_gather="$(between 1 $((cores / 2)) 4)" \
  -crandom_page_cost=1.1 \
  "$@"
