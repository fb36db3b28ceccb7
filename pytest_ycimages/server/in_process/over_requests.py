"""requests without sockets: its own adapter, on urllib3's pools of connections that are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter

from pytest_ycimages.server.in_process.over_urllib3 import pool_manager

if TYPE_CHECKING:
    from urllib3 import PoolManager

    from pytest_ycimages.server.in_process.origin import Origin


class Adapter(HTTPAdapter):
    """What a session mounts."""

    def __init__(self, origin: Origin, **settings: Any) -> None:
        self._origin = origin
        super().__init__(**settings)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **settings: Any) -> None:
        """Make the pool."""
        self.poolmanager = pool_manager(self._origin, num_pools=connections, maxsize=maxsize, block=block, **settings)

    def proxy_manager_for(self, proxy: str, **settings: Any) -> PoolManager:
        """The same pool: no proxy of the environment is asked."""
        pool: PoolManager = self.poolmanager
        return pool
