"""Server reflection and health: the two services that stream (grpc.reflection.v1 and v1alpha, grpc.health.v1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from google.protobuf.message import DecodeError

from pytest_ycimages.api.status import Code
from pytest_ycimages.grpc.messages import message_class, pool, rpcs, with_dependencies
from pytest_ycimages.grpc.wire import CallError, framed, messages_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.descriptor import FileDescriptor

_HEALTH: Final = "grpc.health.v1"
SERVING: Final = 1
SERVICE_UNKNOWN: Final = 3


def conversation_of(path: str) -> Conversation | None:
    """Return the exchange of a method that streams, by its path; None for any other method."""
    rpc = rpcs().get(path)
    if rpc is None or rpc.verb:
        return None
    if path.startswith(f"/{_HEALTH}."):
        is_watch = path.endswith("/Watch")
        return Conversation(rpc.request, _watched if is_watch else _checked, is_endless=is_watch)
    return Conversation(rpc.request, _reflected, is_endless=False)


def services() -> list[str]:
    """Return the full names of the served services, sorted."""
    return sorted({path.split("/")[1] for path in rpcs()})


class Conversation:
    """An exchange of messages on one stream, in both directions at once: each message is answered with one.

    Args:
        request: the full name of the messages that the client sends.
        answer: returns the answer to a message.
        is_endless: whether it goes on when the client has nothing more to say.
    """

    def __init__(self, request: str, answer: Callable[[Any], Any], *, is_endless: bool) -> None:
        self.is_endless = is_endless
        self._request = request
        self._answer = answer
        self._received = bytearray()

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the client, and return the answers to the messages that they complete.

        Raises:
            CallError: the bytes are not messages of this conversation.
        """
        self._received += data
        messages, taken = messages_in(self._received, "")
        del self._received[:taken]
        return b"".join(map(self._answered, messages))

    def _answered(self, data: bytes) -> bytes:
        message: Any = message_class(self._request)()
        try:
            message.ParseFromString(data)
        except DecodeError:
            raise CallError(Code.INTERNAL, f"The request is not a {self._request}") from None
        answer = self._answer(message)
        return framed(answer.SerializeToString(deterministic=True))


def _checked(request: Any) -> Any:
    answer = _watched(request)
    if answer.status == SERVICE_UNKNOWN:
        raise CallError(Code.NOT_FOUND, f"The service {request.service} is not served; served: {', '.join(services())}")
    return answer


def _watched(request: Any) -> Any:
    known = not request.service or request.service in services()
    return message_class(f"{_HEALTH}.HealthCheckResponse")(status=SERVING if known else SERVICE_UNKNOWN)


def _reflected(request: Any) -> Any:
    """Return the answer to one question of server reflection."""
    package = request.DESCRIPTOR.file.package
    answer: Any = message_class(f"{package}.ServerReflectionResponse")(valid_host=request.host)
    answer.original_request.CopyFrom(request)
    match request.WhichOneof("message_request"):
        case "list_services":
            for name in services():
                answer.list_services_response.service.add(name=name)
        case "file_by_filename":
            _add_files(answer, lambda: pool().FindFileByName(request.file_by_filename))
        case "file_containing_symbol":
            _add_files(answer, lambda: pool().FindFileContainingSymbol(request.file_containing_symbol))
        case "all_extension_numbers_of_type":
            name = request.all_extension_numbers_of_type
            answer.all_extension_numbers_response.base_type_name = name
        case _:
            _refuse(answer, Code.NOT_FOUND, "The served messages have no extensions")
    return answer


def _add_files(answer: Any, find: Callable[[], FileDescriptor]) -> None:
    try:
        file = find()
    except KeyError as error:
        _refuse(answer, Code.NOT_FOUND, f"Not found: {error.args[0]}")
        return
    answer.file_descriptor_response.file_descriptor_proto.extend(each.serialized_pb for each in with_dependencies(file))


def _refuse(answer: Any, code: Code, text: str) -> None:
    answer.error_response.error_code = code.number
    answer.error_response.error_message = text
