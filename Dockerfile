# muCode as an image. Targets: `cpu`, with vLLM's build for CPU, and `gpu`.
#
#     docker build --target cpu --tag mucode:cpu .
#     docker build --target gpu --tag mucode:gpu --build-arg BASE=nvidia/cuda:13.0.2-devel-ubuntu24.04 .
#
# BASE is a Debian or Ubuntu; Python 3.11 or 3.12 and a C++ compiler are installed if missing. pip's own settings
# (PIP_INDEX_URL, PIP_FIND_LINKS, ...) are arguments, for a mirror or a folder of wheels. BuildKit is not needed.
# docs/images.md explains how to run it with sandbox containers.
ARG BASE=python:3.12-slim-bookworm
ARG VERSION=0.2.0

FROM ${BASE} AS base
ENV DEBIAN_FRONTEND=noninteractive
# g++ stays at run time: DeepSpeed compiles the communication of its CPU processes, Triton and torch.compile their kernels
RUN set -e; missing=""; \
    python3 -c 'import ensurepip, venv, sys, sysconfig, os; \
        assert os.path.exists(sysconfig.get_path("include") + "/Python.h")' 2>/dev/null || \
        missing="python3 python3-venv python3-dev"; \
    command -v g++ >/dev/null || missing="$missing g++"; \
    if [ -n "$missing" ]; then \
        apt-get update && apt-get install --yes --no-install-recommends $missing && rm -rf /var/lib/apt/lists/*; \
    fi; \
    python3 -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' || \
        { echo "BASE needs Python 3.11 or 3.12, and has $(python3 --version)" >&2; exit 1; }
ENV PATH=/opt/mucode/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app

FROM base AS runtime
ARG USER_ID=10001
LABEL org.opencontainers.image.title="muCode" \
      org.opencontainers.image.description="Multi-turn code generation through single-step rewards" \
      org.opencontainers.image.licenses="MIT"
# the user can write to runs/ and the home; new volumes mounted there inherit the owner
RUN useradd --uid "${USER_ID}" --create-home mucode && \
    install --directory --owner mucode /app/runs /home/mucode/.prefect
# a server copies its UI here when it starts, since the package's directory belongs to root
ENV PREFECT_SERVER_UI_STATIC_DIRECTORY=/home/mucode/ui
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["python3", "-m", "mucode_deployments.healthcheck"]
CMD ["mucode", "--help"]

FROM runtime AS cpu-environment
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_FIND_LINKS
ARG PIP_NO_INDEX
ARG PIP_TRUSTED_HOST
COPY requirements-cpu.lock .
RUN python3 -m venv /opt/mucode && \
    pip install --no-cache-dir torch==2.13.0 --constraint requirements-cpu.lock && \
    pip install --no-cache-dir --no-deps --no-build-isolation --requirement requirements-cpu.lock

FROM cpu-environment AS cpu
COPY . .
RUN pip install --no-cache-dir --no-deps --no-build-isolation --no-index --editable .
# what differs from build to build comes last: the packages above stay cached
ARG VERSION
ARG REVISION=unknown
ENV MUCODE_REVISION=${REVISION}
LABEL org.opencontainers.image.version="${VERSION}" org.opencontainers.image.revision="${REVISION}"
USER mucode

FROM runtime AS gpu-environment
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_FIND_LINKS
ARG PIP_NO_INDEX
ARG PIP_TRUSTED_HOST
COPY requirements-gpu.lock .
# flash-attn last and alone: without a wheel for this torch, it is compiled against the installed one
RUN python3 -m venv /opt/mucode && \
    pip install --no-cache-dir setuptools wheel ninja packaging psutil --constraint requirements-gpu.lock && \
    grep -v '^flash-attn==' requirements-gpu.lock > /tmp/without-flash-attn.lock && \
    pip install --no-cache-dir --no-deps --no-build-isolation --requirement /tmp/without-flash-attn.lock && \
    pip install --no-cache-dir --no-deps --no-build-isolation --requirement requirements-gpu.lock && \
    rm /tmp/without-flash-attn.lock

FROM gpu-environment AS gpu
COPY . .
RUN pip install --no-cache-dir --no-deps --no-build-isolation --no-index --editable .
# what differs from build to build comes last: the packages above stay cached
ARG VERSION
ARG REVISION=unknown
ENV MUCODE_REVISION=${REVISION}
LABEL org.opencontainers.image.version="${VERSION}" org.opencontainers.image.revision="${REVISION}"
USER mucode
