# One image for the worker, the gateway, the one-time preparation job and the operators' commands; the command chooses.

FROM python:3.12.11-slim-bookworm AS packages
COPY requirements/base.lock /base.lock
RUN python -m venv /opt/orderyard \
 && /opt/orderyard/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes -r /base.lock

FROM python:3.12.11-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin orderyard
COPY --from=packages /opt/orderyard /opt/orderyard
WORKDIR /app
COPY settings.py logs.py worker.py starter.py ./
COPY models ./models
COPY connectors ./connectors
COPY activities ./activities
COPY workflows ./workflows
COPY store ./store
COPY capture ./capture
COPY gateway ./gateway
COPY cli ./cli
COPY stack ./stack
ENV PATH=/opt/orderyard/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ORDERYARD_LOG_FORMAT=json \
    ORDERYARD_GATEWAY_HOST=0.0.0.0 \
    ORDERYARD_METRICS_HOST=0.0.0.0 \
    HEALTH_URL=http://127.0.0.1:8080/health/ready
USER orderyard
EXPOSE 8080 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=6 \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(os.environ['HEALTH_URL'], timeout=4)"]
CMD ["python", "-m", "gateway"]
