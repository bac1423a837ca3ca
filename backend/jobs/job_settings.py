"""The settings of a job, taken over by its own process: threads, and the device, which no parent touches."""

from __future__ import annotations

import torch

from backend.errors import NotConfigured
from backend.learning import devices
from backend.settings import Settings


def job_settings() -> Settings:
    """With `device` the one that is used, where DEVICE leaves the choice. To be called in a job alone.

    Raises NotConfigured where there is no such device.
    """
    settings = Settings()
    if settings.torch_threads:
        torch.set_num_threads(settings.torch_threads)
    try:
        device = devices.use(settings.device)
    except ValueError as error:
        raise NotConfigured(f"DEVICE={settings.device}: {error}") from error
    return settings.model_copy(update={"device": device})
