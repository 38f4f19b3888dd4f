"""Checks of settings, whose messages name the setting and its value."""

from __future__ import annotations

import math

from groundling.errors import ConfigurationError
from groundling.setting_types import check_settings


def require(condition: bool, message: str) -> None:
    """Refuse a setting.

    Raises:
        ConfigurationError: with this message, unless the condition holds.
    """
    if not condition:
        raise ConfigurationError(message)


def require_each(settings: object, *names: str, least: float = -math.inf, above: float = -math.inf) -> None:
    """Refuse settings of wrong types (see ``check_settings``) or that are too small; errors as :func:`require`'s."""
    check_settings(settings)
    for name in names:
        value = getattr(settings, name)
        require(value >= least, f"{name} must be at least {least:g}, got {value}")
        require(value > above, f"{name} must be greater than {above:g}, got {value}")


def require_shares(settings: object, *names: str) -> None:
    """Refuse settings of wrong types, or that are not from 0 to 1; errors as :func:`require`'s."""
    check_settings(settings)
    for name in names:
        value = getattr(settings, name)
        require(0 <= value <= 1, f"{name} must be between 0 and 1, got {value}")
