"""Encode tables as Arrow bytes, which the browser reads directly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

Columns = dict[str, list[Any]]
"""A table by columns."""


def ipc(columns: Mapping[str, Any], types: Mapping[str, pa.DataType]) -> bytes:
    """Return a table as an Arrow IPC stream; `types` also defines the columns of an empty table."""
    schema = pa.schema(list(types.items()))
    table = pa.table({name: columns[name] for name in types}, schema=schema)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_table(table)
    data: bytes = sink.getvalue().to_pybytes()
    return data
