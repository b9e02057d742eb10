from operator import index as _index, itemgetter as _itemgetter


class Size(tuple):
    """The sizes of a tensor's dimensions."""

    __slots__ = ()
    __module__ = "flambeau"

    def __new__(cls, sizes=()):
        items = tuple(sizes)
        for position, item in enumerate(items):
            if type(item) is int:
                continue
            try:
                if isinstance(item, (float, str)):
                    raise TypeError
                _index(item)
            except TypeError:
                name = type(item).__name__
                raise TypeError(
                    f"torch.Size() takes an iterable of 'int' (item {position} is '{name}')"
                ) from None
        return tuple.__new__(cls, (item if type(item) is int else _index(item) for item in items))

    def __repr__(self):
        return f"torch.Size([{', '.join(map(repr, self))}])"

    __str__ = __repr__

    def numel(self):
        """The number of elements."""
        count = 1
        for size in self:
            count *= size
        return count

    def __getitem__(self, key):
        item = tuple.__getitem__(self, key)
        return tuple.__new__(Size, item) if isinstance(key, slice) else item

    def __add__(self, other):
        if not isinstance(other, tuple):
            raise TypeError(f'can only concatenate tuple (not {type(other).__name__}) to torch.Size')
        return Size(tuple.__add__(self, other))

    def __radd__(self, other):
        return Size(tuple.__add__(other, self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, count):
        return tuple.__new__(Size, tuple.__mul__(self, count))

    __rmul__ = __mul__

    def __reduce__(self):
        return (Size, (tuple(self),))


def named_tuple(name, fields):
    """The class of what an operator returns: a tuple with named items."""

    def show(self):
        items = ",\n".join(f"{field}={value!r}" for field, value in zip(fields, self))
        return f"torch.return_types.{name}(\n{items})"

    body = {
        "__slots__": (),
        "__module__": "flambeau.return_types",
        "__repr__": show,
        "__str__": show,
        "__reduce__": lambda self: (type(self), (tuple(self),)),
        "__match_args__": fields,
        "n_fields": len(fields),
        "n_sequence_fields": len(fields),
        "n_unnamed_fields": 0,
    }
    for position, field in enumerate(fields):
        body[field] = property(_itemgetter(position))
    return type(name, (tuple,), body)
