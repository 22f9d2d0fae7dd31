"""ONNX files read and written through protobuf, for models that are rearranged when they are loaded.

The messages are described here by a table of the fields that are used (ONNX's onnx.proto3, IR version 8), so
that the package `onnx` is not needed; protobuf passes over what it does not know.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from matcher.errors import ModelCorruptError

Array = npt.NDArray[Any]

IR_VERSION = 8
"""Version of the file format written; the one of opsets 16 to 18."""

FLOAT, INT64 = 1, 7
"""Element types of TensorProto.DataType."""

DTYPES: dict[int, np.dtype[Any]] = {FLOAT: np.dtype("<f4"), INT64: np.dtype("<i8")}

_REPEATED = "*"
_SCALARS = {"int64": 3, "int32": 5, "float": 2, "string": 9, "bytes": 12}

_TABLE: dict[str, dict[str, tuple[int, str]]] = {
    "ModelProto": {
        "ir_version": (1, "int64"),
        "producer_name": (2, "string"),
        "graph": (7, "GraphProto"),
        "opset_import": (8, "*OperatorSetIdProto"),
    },
    "OperatorSetIdProto": {"domain": (1, "string"), "version": (2, "int64")},
    "GraphProto": {
        "node": (1, "*NodeProto"),
        "name": (2, "string"),
        "initializer": (5, "*TensorProto"),
        "input": (11, "*ValueInfoProto"),
        "output": (12, "*ValueInfoProto"),
    },
    "NodeProto": {
        "input": (1, "*string"),
        "output": (2, "*string"),
        "name": (3, "string"),
        "op_type": (4, "string"),
        "attribute": (5, "*AttributeProto"),
        "domain": (7, "string"),
    },
    "AttributeProto": {
        "name": (1, "string"),
        "f": (2, "float"),
        "i": (3, "int64"),
        "s": (4, "bytes"),
        "ints": (8, "*int64"),
        "type": (20, "int32"),
    },
    "TensorProto": {
        "dims": (1, "*int64"),
        "data_type": (2, "int32"),
        "float_data": (4, "*float"),
        "name": (8, "string"),
        "raw_data": (9, "bytes"),
    },
    "ValueInfoProto": {"name": (1, "string"), "type": (2, "TypeProto")},
    "TypeProto": {"tensor_type": (1, "TensorTypeProto")},
    "TensorTypeProto": {"elem_type": (1, "int32"), "shape": (2, "TensorShapeProto")},
    "TensorShapeProto": {"dim": (1, "*DimensionProto")},
    "DimensionProto": {"dim_value": (1, "int64"), "dim_param": (2, "string")},
}
"""Message: field: (number, type), a star before what is repeated."""

ATTRIBUTE_FLOAT, ATTRIBUTE_INT, ATTRIBUTE_STRING, ATTRIBUTE_INTS = 1, 2, 3, 7
"""AttributeProto.AttributeType."""


@lru_cache(maxsize=1)
def _messages() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(
        name="matcher/onnx_subset.proto", package="matcher.onnx", syntax="proto3"
    )
    for message, fields in _TABLE.items():
        described = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            plain = kind.removeprefix(_REPEATED)
            entry = described.field.add(name=name, number=number, label=3 if kind[0] == _REPEATED else 1)
            if plain in _SCALARS:
                entry.type = _SCALARS[plain]  # type: ignore[assignment]
            else:
                entry.type_name = f".matcher.onnx.{plain}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"matcher.onnx.{name}"))
        for name in _TABLE
    }


def read_model(data: bytes) -> Any:
    """Return the `ModelProto` in the bytes of an ONNX file.

    Raises
    ------
    ModelCorruptError
        If they are none.
    """
    try:
        return _messages()["ModelProto"].FromString(data)
    except DecodeError as error:
        raise ModelCorruptError("The file is no ONNX model.", hint="Fetch it again.") from error


def array_of(tensor: Any) -> Array:
    """Return a tensor's values; float32 and int64 are known, others give an empty array.

    Raises
    ------
    ModelCorruptError
        If values and shape disagree.
    """
    dtype = DTYPES.get(tensor.data_type)
    if dtype is None:
        return np.empty(0, np.float32)
    try:
        if tensor.raw_data:
            flat = np.frombuffer(tensor.raw_data, dtype)
        else:
            flat = np.array(tensor.float_data, dtype)
        return flat.reshape(tuple(tensor.dims))
    except ValueError as error:
        raise ModelCorruptError(f"The tensor {tensor.name} has not the size that it claims.") from error


class GraphWriter:
    """Builds a graph node by node, each named by what it makes.

    Examples
    --------
    >>> graph = GraphWriter("twice", {"x": (1, "n")})
    >>> graph.output("y", graph.node("Add", "x", "x"))
    >>> data = graph.model({"": 18})
    """

    def __init__(self, name: str, inputs: dict[str, tuple[int | str, ...]]) -> None:
        self._graph = _messages()["GraphProto"](name=name)
        self._count = 0
        for key, shape in inputs.items():
            value = self._graph.input.add(name=key)
            value.type.tensor_type.elem_type = FLOAT
            for side in shape:
                dimension = value.type.tensor_type.shape.dim.add()
                if isinstance(side, str):
                    dimension.dim_param = side
                else:
                    dimension.dim_value = side

    def constant(self, value: Array) -> str:
        """Add a constant and return its name; floats become float32, integers int64."""
        kind = INT64 if value.dtype.kind == "i" else FLOAT
        name = self._next("constant")
        self._graph.initializer.add(
            name=name, data_type=kind, dims=value.shape, raw_data=value.astype(DTYPES[kind]).tobytes()
        )
        return name

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add an operation with one output and return that output's name."""
        return self.nodes(operator, 1, *inputs, domain=domain, **attributes)[0]

    def nodes(
        self, operator: str, count: int, *inputs: str, domain: str = "", **attributes: Any
    ) -> list[str]:
        """Add an operation with `count` outputs and return their names."""
        name = self._next(operator)
        names = [name if count == 1 else f"{name}_{i}" for i in range(count)]
        made = self._graph.node.add(op_type=operator, name=name, domain=domain, input=inputs, output=names)
        for key, value in attributes.items():
            entry = made.attribute.add(name=key)
            if isinstance(value, str):
                entry.type, entry.s = ATTRIBUTE_STRING, value.encode()
            elif isinstance(value, float):
                entry.type, entry.f = ATTRIBUTE_FLOAT, value
            elif isinstance(value, int):
                entry.type, entry.i = ATTRIBUTE_INT, value
            else:
                entry.type = ATTRIBUTE_INTS
                entry.ints.extend(value)
        return names

    def output(self, name: str, source: str) -> None:
        """Give the value `source` to the caller as `name`."""
        self._graph.node.add(op_type="Identity", name=name, input=[source], output=[name])
        self._graph.output.add(name=name).type.tensor_type.elem_type = FLOAT

    def model(self, opsets: dict[str, int]) -> bytes:
        """Return the bytes of an ONNX file with this graph."""
        made = _messages()["ModelProto"](ir_version=IR_VERSION, producer_name="matcher", graph=self._graph)
        for domain, version in opsets.items():
            made.opset_import.add(domain=domain, version=version)
        data: bytes = made.SerializeToString()
        return data

    def _next(self, kind: str) -> str:
        self._count += 1
        return f"{kind}_{self._count}"
