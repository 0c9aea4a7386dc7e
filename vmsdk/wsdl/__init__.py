"""The contract `urn:vim25`: types, values, codec and documents. Imports nothing else of the house."""

from .registry import CONTRACT, DEFAULT_VERSION, NAMESPACE, Contract, DataType, EnumType, ManagedType, Member, Method
from .values import Array, Byte, DataObject, Long, MethodFault, MoRef, Short, vim

__all__ = [
    "CONTRACT", "DEFAULT_VERSION", "NAMESPACE", "Array", "Byte", "Contract", "DataObject", "DataType", "EnumType", "Long",
    "ManagedType", "Member", "Method", "MethodFault", "MoRef", "Short", "vim",
]  # fmt: skip
