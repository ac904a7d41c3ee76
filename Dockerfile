# The image of every service of Isobar: migrate, code server, web server, daemon, worker, dashboard,
# sandbox.
FROM python:3.11.14-slim-bookworm AS build

WORKDIR /opt/isobar
ENV VIRTUAL_ENV=/opt/isobar/.venv
COPY requirements requirements
RUN python -m venv --without-pip .venv \
 && python -m venv /opt/tools \
 && /opt/tools/bin/pip install --quiet --no-cache-dir --require-hashes -r requirements/setup.lock \
 && /opt/tools/bin/uv pip install --quiet --no-cache --compile-bytecode --require-hashes -r requirements/workers.lock -r requirements/dashboard.lock

COPY pyproject.toml README.md LICENSE dagster.yaml workspace.yaml ./
COPY pipelines pipelines
RUN /opt/tools/bin/uv pip install --quiet --no-cache --no-deps --editable . \
 && .venv/bin/python -m compileall -q pipelines \
 && rm -r requirements

FROM python:3.11.14-slim-bookworm

# The numbers are what a folder of secrets or an inbox on the host has to be readable by.
RUN groupadd --gid 10001 isobar \
 && useradd --uid 10001 --gid isobar --no-create-home --home-dir /var/lib/isobar isobar \
 && install --directory --owner isobar --group isobar /var/lib/isobar /var/lib/isobar/inbox /backups
COPY --from=build /opt/isobar /opt/isobar
ENV PATH=/opt/isobar/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ISOBAR_HOME=/var/lib/isobar
WORKDIR /opt/isobar
USER 10001:10001
VOLUME /var/lib/isobar
CMD ["isobar", "--help"]
