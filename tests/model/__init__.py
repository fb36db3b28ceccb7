"""The double against a second opinion, under a crowd, with a great many images, and as REST clients use it."""

import pytest

pytest.register_assert_rewrite("tests.model.agreement")
