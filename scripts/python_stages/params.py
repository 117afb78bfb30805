"""The Python source of one Param: its declaration, its setter and getter, and its place in a constructor."""

from __future__ import annotations

from typing import Any

# Scala's Param type: the Python type, and pyspark's converter, which checks the type of what users pass.
TYPES = {
    "int": ("int", "toInt"),
    "long": ("int", "toInt"),
    "double": ("float", "toFloat"),
    "boolean": ("bool", "toBoolean"),
    "string": ("str", "toString"),
    "stringArray": ("list[str]", "toListString"),
    "doubleArray": ("list[float]", "toListFloat"),
}

# The classes of sparkvision._spark.allowed_values that check a number of a type.
NUMBERS = {"int": "WholeNumber", "float": "Number"}

# The base classes in sparkvision/_spark/stage.py have these setters: modelPath's forgets the hash of the previous
# model, and inputCols' takes names as Scala's does.
SETTERS_BY_HAND = {"modelPath", "inputCols"}

DECLARATION = """\
    {name}: Param[{type}] = Param(Params._dummy(), {name!r}, {doc!r}, typeConverter={converter})
"""

SETTER = '''
    def set{title}(self, value: {type}) -> Self:
        """Set ``{name}``: {doc}."""
        return self._set({name}=value)
'''

GETTER = '''
    def get{title}(self) -> {type}:
        """Return ``{name}``."""
        return self.getOrDefault(self.{name})
'''

OPTIONAL_GETTER = '''
    def get{title}(self) -> {type} | None:
        """Return ``{name}``, or None if it is unset."""
        return self.getOrDefault({name!r}) if self.isSet({name!r}) else None
'''


def declaration(param: dict[str, Any]) -> str:
    """Write the class attribute."""
    return DECLARATION.format(**param | {"type": python_type(param), "converter": _converter(param)})


def accessors(param: dict[str, Any]) -> str:
    """Write the setter, unless it is written by hand, and the getter."""
    name: str = param["name"]
    fields = param | {"title": name[0].upper() + name[1:], "type": python_type(param)}
    setter = "" if name in SETTERS_BY_HAND else SETTER.format(**fields)
    always_defined = "default" in param or name == "inputCols"
    return setter + (GETTER if always_defined else OPTIONAL_GETTER).format(**fields)


def constructor_argument(param: dict[str, Any]) -> str:
    """Write the keyword argument that sets the Param."""
    accepted = "str | list[str]" if param["name"] == "inputCols" else python_type(param)
    return f"{param['name']}: {accepted} | None = None"


def defaults(params: list[dict[str, Any]]) -> str:
    """Write the statement that sets the Params' defaults; empty where none has one."""
    values = [f"{param['name']}={param['default']!r}" for param in params if "default" in param]
    return f"        self._setDefault({', '.join(values)})\n" if values else ""


def python_type(param: dict[str, Any]) -> str:
    """Return the type of the Param's values."""
    if "oneOf" in param:
        return f"Literal[{', '.join(map(repr, param['oneOf']))}]"
    return TYPES[param["type"]][0]


def _converter(param: dict[str, Any]) -> str:
    """Write what converts a value to the Param's type, and refuses values that are not allowed."""
    name = param["name"]
    if name == "inputCols":
        return "ColumnNames()"
    if "oneOf" in param:
        return f"OneOf({name!r}, {tuple(param['oneOf'])!r})"
    name_of_type, converter = TYPES[param["type"]]
    if "lowest" in param:
        limits = [param[limit] for limit in ("lowest", "highest") if limit in param]
        return f"{NUMBERS[name_of_type]}({', '.join(map(repr, [name, *limits]))})"
    return f"TypeConverters.{converter}"
