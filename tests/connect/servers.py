"""PostgreSQL, PgBouncer and Redis on loopback, with TLS by the authority of an emulated cluster."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import attrs
import pytest
from server_process import free_port, running

from asyncdbaas.clusters import CA, Connection
from asyncdbaas.emulator import certificates

__all__ = ["Service", "find", "pgbouncer", "postgresql", "redis_server"]

_DEBIAN = "/usr/lib/postgresql/*/bin"


@attrs.frozen(kw_only=True)
class Service:
    """A cluster as the service would show it, and the key of its authority."""

    connection: Connection
    ca: CA
    authority: certificates.Pair
    host: str = "localhost"
    """The name in the server's certificate."""

    def at(self, port: int) -> Connection:
        """Return the connection to the stand-in that listens on a port of this machine."""
        return attrs.evolve(self.connection, host=self.host, port=port)


def find(name: str) -> str:
    """Return the path of a server's program; skip the test by name where it is not installed."""
    versions = [str(path.parent) for path in sorted(Path("/").glob(f"{_DEBIAN[1:]}/{name}"))]
    path = shutil.which(name) or shutil.which(name, path=os.pathsep.join([*versions[-1:], "/usr/sbin"]))
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


@asynccontextmanager
async def postgresql(service: Service) -> AsyncGenerator[int]:
    """Run PostgreSQL with the cluster's user and database, over TLS only; return its port."""
    initdb, postgres, port = find("initdb"), find("postgres"), free_port()
    with _home(service) as (home, run):
        data = home / "data"
        (home / "password").write_text(service.connection.password or "")
        options = ("--auth=scram-sha-256", f"--pwfile={home}/password", "--no-sync", "--encoding=UTF8", "--locale=C")
        await _finish(*run(initdb, f"--pgdata={data}", "--username=doadmin", *options))
        (data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
        await _finish(*run(postgres, "--single", "-D", str(data), "postgres"), text="CREATE DATABASE defaultdb\n")
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            "ssl": "on",
            "ssl_cert_file": home / "server.crt",
            "ssl_key_file": home / "server.key",
            "fsync": "off",
        }
        switches = [f"--{name}={value}" for name, value in settings.items()]
        async with running(*run(postgres, "-D", str(data), *switches), ready="ready to accept connections"):
            yield port


@asynccontextmanager
async def pgbouncer(service: Service, server_port: int, pool: str) -> AsyncGenerator[int]:
    """Run PgBouncer as the service runs a pool: in transaction mode, here with two connections; return its port."""
    program, port = find("pgbouncer"), free_port()
    major, minor = map(int, re.findall(r"\d+", await _finish(program, "--version"))[:2])
    with _home(service) as (home, run):
        (home / "users.txt").write_text(f'"doadmin" "{service.connection.password}"\n')
        (home / "pgbouncer.ini").write_text(
            f"""[databases]
{pool} = host=127.0.0.1 port={server_port} dbname=defaultdb pool_size=2
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {home}/users.txt
pool_mode = transaction
client_tls_sslmode = require
client_tls_cert_file = {home}/server.crt
client_tls_key_file = {home}/server.key
server_tls_sslmode = require
{"max_prepared_statements = 0" if (major, minor) >= (1, 21) else ""}
"""
        )
        async with running(*run(program, str(home / "pgbouncer.ini")), ready="process up"):
            yield port


@asynccontextmanager
async def redis_server(service: Service) -> AsyncGenerator[int]:
    """Run Redis or Valkey with the cluster's password, over TLS only; return its port."""
    program, port = _find_redis(), free_port()
    with _home(service) as (home, run):
        settings = {
            "bind": "127.0.0.1",
            "port": 0,
            "tls-port": port,
            "tls-cert-file": home / "server.crt",
            "tls-key-file": home / "server.key",
            "tls-ca-cert-file": home / "ca.crt",
            "tls-auth-clients": "no",
            "requirepass": service.connection.password,
            "save": "",
            "dir": home,
        }
        (home / "redis.conf").write_text("".join(f'{name} "{value}"\n' for name, value in settings.items()))
        async with running(*run(program, str(home / "redis.conf")), ready="Ready to accept connections"):
            yield port


async def _finish(*command: str, text: str = "") -> str:
    """Run a command to its end and return what it wrote."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
    output, _ = await asyncio.wait_for(process.communicate(text.encode()), 60)
    assert process.returncode == 0, output.decode()
    return output.decode()


def _find_redis() -> str:
    return shutil.which("valkey-server") or find("redis-server")


@contextmanager
def _home(service: Service) -> Generator[tuple[Path, Callable[..., list[str]]], None, None]:
    """Make a directory with the server's certificate, and a function that makes commands of its owner.

    PostgreSQL and PgBouncer refuse to run as root; the user `postgres` comes with their packages.
    """
    as_root = os.getuid() == 0
    with tempfile.TemporaryDirectory(prefix="asyncdbaas-test-") as directory:
        home = Path(directory)
        pair = certificates.issue(service.authority, service.host, service.host)
        (home / "server.crt").write_text(pair.certificate)
        (home / "ca.crt").write_text(service.ca.certificate)
        key = home / "server.key"
        key.touch(0o600)
        key.write_text(pair.key)
        if as_root:
            for path in (home, *home.iterdir()):
                shutil.chown(path, "postgres", "postgres")

        def run(*command: str) -> list[str]:
            other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if as_root else []
            return [*other, *command]

        yield home, run
