"""Many images: tables of them in, tables of their faces out, in parts that are written whole and once."""

from __future__ import annotations

from mien.batch.table import read_table, table_schema

__all__ = ["read_table", "table_schema"]
