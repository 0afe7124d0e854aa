"""Python values as JSON that keeps their types. Objects of known classes stand in a flat table, so that long linked lists are no deep nesting."""

import json

# Beyond these a JSON number loses digits in other languages.
SAFE_INTEGER = 2**53


class NotPlain(Exception):
    """A value that is neither data nor an object made of data."""


def encode(value, is_known_class=lambda cls: False):
    """JSON text of `value`. Objects whose class passes `is_known_class` are written by their attributes; raises NotPlain for any other."""
    objects, places, queue = [], {}, []

    def reference(instance):
        if id(instance) not in places:
            places[id(instance)] = len(objects)
            objects.append(None)
            queue.append(instance)
        return {"o": places[id(instance)]}

    def convert(item):
        kind = type(item)
        if item is None or kind is bool or kind is str:
            return item
        if kind is int:
            return item if -SAFE_INTEGER < item < SAFE_INTEGER else {"i": hex(item)}
        if kind is float:
            return {"f": repr(item)}
        if kind is list:
            return [convert(part) for part in item]
        if kind is tuple:
            return {"t": [convert(part) for part in item]}
        if kind is set or kind is frozenset:
            return {"s": [convert(part) for part in item]}
        if kind is dict:
            return {"d": [[convert(key), convert(part)] for key, part in item.items()]}
        if kind is bytes or kind is bytearray:
            return {"b": item.hex()}
        if kind is complex:
            return {"c": [repr(item.real), repr(item.imag)]}
        if is_known_class(kind):
            return reference(item)
        if (kind.__module__ or "").partition(".")[0] == "numpy" and hasattr(item, "tolist"):
            return convert(item.tolist())
        for base in (bool, int, float, str, list, tuple, set, frozenset, dict, bytes):
            if isinstance(item, base):
                return convert(base(item))
        raise NotPlain(f"a {kind.__name__}")

    root = convert(value)
    while queue:
        instance = queue.pop()
        attributes = {name: convert(part) for name, part in vars(instance).items()}
        objects[places[id(instance)]] = [type(instance).__name__, attributes]
    return json.dumps({"root": root, "objects": objects} if objects else {"root": root}, separators=(",", ":"))


def decode(text, find_class=lambda name: None):
    """The value of what `encode` wrote. `find_class` gives the class of a name; raises NotPlain where it has none, ValueError for other text."""
    document = json.loads(text)
    table = document.get("objects", [])
    instances = []
    for name, _ in table:
        cls = find_class(name)
        if not isinstance(cls, type):
            raise NotPlain(f"a {name}")
        instances.append(cls.__new__(cls))

    def convert(item):
        if isinstance(item, list):
            return [convert(part) for part in item]
        if not isinstance(item, dict):
            return item
        ((kind, content),) = item.items()
        if kind == "i":
            return int(content, 16)
        if kind == "f":
            return float(content)
        if kind == "t":
            return tuple(convert(part) for part in content)
        if kind == "s":
            return {convert(part) for part in content}
        if kind == "d":
            return {convert(key): convert(part) for key, part in content}
        if kind == "b":
            return bytes.fromhex(content)
        if kind == "c":
            return complex(float(content[0]), float(content[1]))
        if kind == "o":
            return instances[content]
        raise ValueError(f"unknown value {kind}")

    for instance, (_, attributes) in zip(instances, table):
        for name, part in attributes.items():
            setattr(instance, name, convert(part))
    return convert(document["root"])
