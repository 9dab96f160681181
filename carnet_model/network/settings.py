"""Settings of a network, checked when they are read."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from natural_tensors.errors import InputError


class ConfigError(InputError, ValueError):
    """Settings that cannot be used."""


class Settings(BaseModel):
    """Base of all settings: immutable, and unknown keys are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False
    )


class NetworkSettings(Settings):
    """The network."""

    cutoff: float = Field(
        default=5.0, gt=0, le=20, description="neighbours up to this distance, angstrom"
    )
    channels: int = Field(default=48, ge=1, le=1024, description="width of the features")
    layers: int = Field(default=2, ge=1, le=8, description="number of interactions")
    weight: int | None = Field(
        default=None, ge=0, le=8, description="largest weight; the target's when left out"
    )
    message_weight: int = Field(
        default=1, ge=0, le=8, description="largest weight of features that are sent to neighbours"
    )
    body_order: int = Field(
        default=4, ge=2, le=8, description="most atoms in one product, the centre included"
    )
    pseudo: bool | None = Field(
        default=None, description="carry pseudo-tensors; as the target needs when left out"
    )
    radial: int = Field(default=10, ge=1, le=64, description="number of radial functions")
    radial_hidden: int = Field(default=48, ge=1, le=1024, description="width of the radial network")
    embedding: int = Field(default=48, ge=1, le=1024, description="width of the element embedding")
    head_hidden: int = Field(default=96, ge=1, le=4096, description="width of the head")
    neighbours: float | None = Field(
        default=None,
        gt=0,
        description="mean number of neighbours; from the training set when left out",
    )
    bounded: bool = Field(default=True, description="bound the moments before their products")
    repulsion: bool = Field(
        default=False,
        description="add the universal repulsion of nuclei to the energy: it acts below the length "
        "of a bond",
    )
    volume: bool = Field(
        default=True,
        description="give the head the logarithm of the volume per atom (mean pooling)",
    )
