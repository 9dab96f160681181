# The page in the browser as an image, for the CPU: docs/app.md says how to build and run it.
# What pip installs must have the hashes of requirements/*.lock, as everywhere.

FROM debian:bookworm-slim AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/carnet
ENV PATH=/opt/carnet/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /source
COPY requirements/build.lock requirements/torch-cpu.lock requirements/torch.lock requirements/app.lock requirements/
RUN pip install --require-hashes --no-deps -r requirements/build.lock
# the build for CPUs is on an index of its own; other processors: --build-arg TORCH=torch
ARG TORCH=torch-cpu
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN pip install --require-hashes --no-deps --extra-index-url $TORCH_INDEX -r requirements/$TORCH.lock
RUN pip install --require-hashes --no-deps --no-build-isolation -r requirements/app.lock
COPY pyproject.toml README.md LICENSE ./
COPY natural_tensors natural_tensors
COPY codegen codegen
COPY carnet_model carnet_model
RUN pip install --no-deps --no-build-isolation . \
    && pip check \
    && pip uninstall --yes pip
# a fifth of it is tests of libraries, and headers for a compiler that is not there
RUN cd /opt/carnet/lib/python3*/site-packages \
    && rm -r torch/include torch/test \
    && find . -type d -name tests -prune -exec rm -r {} +

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/carnet /opt/carnet
RUN useradd --system --create-home --shell /usr/sbin/nologin carnet
USER carnet
WORKDIR /home/carnet
ENV PATH=/opt/carnet/bin:$PATH
EXPOSE 8000
HEALTHCHECK --start-period=60s --timeout=10s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/api/about', timeout=9)"]
ENTRYPOINT ["carnet", "app", "--host", "0.0.0.0", "--port", "8000"]
