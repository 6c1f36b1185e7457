"""The service: an upload page, an API and a live camera from one process. `python -m mien.service` runs it."""
