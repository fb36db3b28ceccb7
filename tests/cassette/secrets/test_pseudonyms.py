"""Pseudonyms: of the same shape, the same everywhere, for folders, clouds and accounts alone."""

from __future__ import annotations

import json
import re
import string
from typing import Final
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ycimages.cassette.model import CassetteData, CassetteMetadata
from pytest_ycimages.cassette.redact import Redactor, has_pseudonyms, is_pseudonym, pseudonymized, scrub_cassette
from tests.cassette.secrets.kinds import HOST, ORDINARY, with_request, with_response

FOLDER: Final = "b1gaec42k169jqpo02f7"
ACCOUNT: Final = "ajeol2afu1js0123456c"
IDS: Final = st.builds(
    str.__add__,
    st.sampled_from(["b1g", "aje", "bpf", "dn2"]),
    st.text(string.digits + "abcdefghijklmnopqrstuv", min_size=17, max_size=17),
)
drawn = settings(derandomize=True, database=None, deadline=None, max_examples=60)


def in_body(text: str) -> str:
    """A text as the field of a body that is recorded with pseudonyms."""
    body = json.dumps({"description": text}, ensure_ascii=False).encode()
    clean = Redactor(pseudonyms=True).scrub(with_request(body=body)).request.body
    return str(json.loads(clean)["description"])


@drawn
@given(id_=IDS)
def test_a_pseudonym_has_the_shape_of_the_id_and_stays_itself(id_: str) -> None:
    """Whoever makes it, and whenever."""
    alias = pseudonymized(id_)
    assert re.fullmatch(r"[0-9a-v]{20}", alias)
    assert alias[:3] == id_[:3]
    assert is_pseudonym(alias)
    assert alias != id_ or is_pseudonym(id_)
    assert pseudonymized(alias) == alias


@drawn
@given(ids=st.sets(IDS, min_size=2, max_size=20))
def test_two_ids_have_two_pseudonyms(ids: set[str]) -> None:
    """So that what belongs to one folder is still told from what belongs to another."""
    assert len(set(map(pseudonymized, ids))) == len(ids)


def test_a_pseudonym_never_changes() -> None:
    """Cassettes recorded with an older version go on to match."""
    assert pseudonymized(f"{FOLDER} {ACCOUNT}") == "b1galiasri0pad1kcltu ajealias0gspufnqndk8"


def test_ids_are_replaced_wherever_they_are() -> None:
    """In the path, the query, the headers, the bodies and the texts of errors, of both sides."""
    hidden = pseudonymized(FOLDER)
    redactor = Redactor(pseudonyms=True)
    sent = with_request(
        uri=f"{HOST}/compute/v1/images?folderId={FOLDER}&filter=a%3D{FOLDER}",
        headers=(("x-request-id", FOLDER),),
        body=f'{{"folderId":"{FOLDER}","name":"'.encode() + b'\xff"}',
    )
    request = redactor.scrub(sent).request
    assert request.uri == f"{HOST}/compute/v1/images?folderId={hidden}&filter=a%3D{hidden}"
    path = f"{HOST}/folders/{FOLDER}/x"
    assert redactor.scrub(with_request(uri=path)).request.uri == f"{HOST}/folders/{hidden}/x"
    assert request.headers == (("x-request-id", hidden),)
    assert request.body == f'{{"folderId":"{hidden}","name":"'.encode() + b'\xff"}'
    message = f'{{"message": "Permission denied to folder {FOLDER}", "createdBy": "{ACCOUNT}"}}'
    response = redactor.scrub(with_response(body=message.encode(), reason=f"No folder {FOLDER}")).response
    assert response.reason == f"No folder {hidden}"
    assert len(response.body) == len(message)
    assert FOLDER.encode() not in response.body
    assert ACCOUNT.encode() not in response.body


@drawn
@given(id_=IDS, layers=st.integers(1, 4), before=st.sampled_from("=/:& \n\"'<[(é"), lower=st.booleans())
def test_an_id_is_found_behind_what_is_encoded(id_: str, layers: int, before: str, lower: bool) -> None:  # noqa: FBT001 - drawn
    """In small letters and capitals, in layer upon layer, in addresses, in headers and in bodies."""
    text = f"x{before}{id_}{before}y"
    for _ in range(layers):
        text = quote(text, safe="")
        text = re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), text) if lower else text
    hidden = text.replace(id_, pseudonymized(id_))
    assert pseudonymized(text) == hidden
    assert in_body(text) == hidden
    tape = CassetteData(CassetteMetadata(), (with_request(uri=f"{HOST}/x?next={hidden}"),))
    assert has_pseudonyms(tape)


@drawn
@given(id_=IDS, before=st.sampled_from('\n\t\r\b\f\x00\x1f"\\/é😀'), layers=st.integers(1, 2))
def test_an_id_is_found_behind_an_escape_of_json(id_: str, before: str, layers: int) -> None:
    """A line that begins with one, and a character that is written by its number."""
    text = f"x{before}{id_}"
    for _ in range(layers):
        text = json.dumps(text)
    hidden = text.replace(id_, pseudonymized(id_))
    assert pseudonymized(text) == hidden
    assert in_body(text) == hidden
    assert pseudonymized(f"\\u003c{id_}\\u003e") == f"\\u003c{pseudonymized(id_)}\\u003e"


def test_other_ids_stay() -> None:
    """Those of images and operations, the folder of public images, and what is longer or shorter."""
    for text in ("fd8m1tfm92krd3k0qpl1", "standard-images", FOLDER[:-1], f"{FOLDER}0", f"x{FOLDER}", FOLDER.upper()):
        assert pseudonymized(text) == text


def test_a_tape_has_pseudonyms_in_its_label_too() -> None:
    """And it can be told that it has some, so that requests get theirs before they are looked for."""
    tape = CassetteData(CassetteMetadata(folder_id=FOLDER, note=f"in {FOLDER}"), (ORDINARY,))
    hidden = scrub_cassette(tape, name="a", pseudonyms=True)
    assert hidden.metadata == CassetteMetadata(folder_id=pseudonymized(FOLDER), note=f"in {pseudonymized(FOLDER)}")
    assert not has_pseudonyms(tape)
    assert has_pseudonyms(hidden)
    assert has_pseudonyms(hidden._replace(metadata=CassetteMetadata()))
    assert scrub_cassette(hidden, name="a", pseudonyms=True) == hidden
