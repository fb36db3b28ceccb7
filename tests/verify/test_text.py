"""What differs, as an error tells it."""

from __future__ import annotations

from pytest_ycimages.cassette.model import Origin
from pytest_ycimages.verify.fake_target import verify_fake
from pytest_ycimages.verify.verify import error_text, summary

from .taping import Taping, altered

NEXT = "Record it again with --ycimages-mode=record if it is out of date."
TEXT = """\
tests/cassettes/bake.yaml was recorded from the service itself at 2026-01-01T00:00:00Z: it is evidence of what the \
service does.
Compared 4 answers with those of the fake: 4 fields differ.
  interaction 1: POST /compute/v1/images
    body.description: recorded "Make image", answered "Create image" (value)
      operation.description [observed]: `description` is `Create image`.
      the same in interactions 2, 3
  interaction 4: GET /compute/v1/images/{image_id}
    body.zone: recorded "5368709120", answered nothing (missing)
      no behaviour of the table says anything about this
Record it again with --ycimages-mode=record if it is out of date.
"""


def test_the_text_has_each_field_with_its_behaviour_and_the_next_step() -> None:
    """What is the same in several interactions stands once."""
    taping = Taping(timing=2)
    image_id = taping.bake()
    taping.look(image_id)
    tape = taping.tape(Origin.SERVICE)
    for number in (1, 2, 3):
        tape = altered(tape, number, lambda body: body.update(description="Make image"))
    tape = altered(tape, 4, lambda body: body.update(zone="5368709120"))
    text = error_text("tests/cassettes/bake.yaml", verify_fake(tape), NEXT)
    assert text == TEXT.format(image_id=image_id).removesuffix("\n")


def test_what_was_not_compared_is_told_with_its_reason() -> None:
    """For it might differ as well."""
    taping = Taping(contract="current", timing=0)
    operation = taping.create(name="a_b")
    taping.poll(operation)
    verification = verify_fake(taping.tape(), {"contract": "page"})
    assert summary(verification) == "Compared 1 answer with those of the fake: 1 field differs; 1 not compared."
    line = f"  interaction 2: GET /operations/{operation['id']}: not compared, since it is about {operation['id']}, in"
    assert line in error_text("bake.yaml", verification, NEXT)
