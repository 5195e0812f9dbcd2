"""What a deployment may change, read from `ORDERYARD_*` environment variables.

Only the composition roots (`worker.py`, `starter.py`, the gateway's and the sandbox's entry points) read this.
"""

from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from stack.build import VERSION


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="ORDERYARD_", extra="ignore")

    data_dir: Path = Path("var")
    """Where the local stack keeps its state (PostgreSQL cluster, Temporal file, sandbox state, logs)."""

    database_url: str | None = None
    """`postgresql://user:password@host:port/name`. Unset: the local stack starts its own PostgreSQL."""

    temporal_address: str | None = Field(
        default=None, validation_alias=AliasChoices("ORDERYARD_TEMPORAL_ADDRESS", "TEMPORAL_ADDRESS")
    )
    """`host:port`. Unset: the local stack starts a Temporal dev server."""

    temporal_namespace: str = Field(
        default="orderyard", validation_alias=AliasChoices("ORDERYARD_TEMPORAL_NAMESPACE", "TEMPORAL_NAMESPACE")
    )
    temporal_ui_url: str | None = None
    """Base URL of the Temporal UI, for links only."""

    build_id: str = Field(default=VERSION, pattern=r"^[\w.+-]{0,100}$")
    """Which code a worker runs: orders stay on the build on which they began. Empty: a worker without a build."""

    connections_file: Path | None = None
    """JSON file that names every outside system and its credentials; see `connectors/registry.py`."""

    gateway_host: str = "127.0.0.1"
    gateway_port: int = 8080
    metrics_host: str = "127.0.0.1"
    """`0.0.0.0` in a container, where Prometheus comes from outside."""
    metrics_port: int = 9464
    """Prometheus endpoint of the worker; 0 switches it off."""

    log_format: Literal["auto", "json", "console"] = "auto"
    log_level: str = "INFO"

    @property
    def missing(self) -> list[str]:
        """Names of the variables without which neither worker nor gateway can run, and which are not set."""
        needed = {
            "ORDERYARD_DATABASE_URL": self.database_url,
            "TEMPORAL_ADDRESS": self.temporal_address,
            "ORDERYARD_CONNECTIONS_FILE": self.connections_file,
        }
        return [name for name, value in needed.items() if not value]
