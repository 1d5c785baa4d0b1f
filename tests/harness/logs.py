"""What the tests of log drivers share."""

import os


def log_config(driver, **options):
    """{"LogConfig": ...}; option names have _ for -."""
    config = {name.replace("_", "-"): value for name, value in options.items()}
    return {"LogConfig": {"Type": driver, "Config": config}}


def ended(api, script, **options):
    container = api.started("sh", "-c", script, **options)
    api.wait(container)
    return container


def files(api, container):
    directory = f"{api.daemon.data_root}/containers/{container}"
    return sorted(name for name in os.listdir(directory) if "log" in name)
