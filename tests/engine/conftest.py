"""The bases of the tests of mixing."""

from tests.mixing.conftest import base_of

__all__ = ["base_of"]
