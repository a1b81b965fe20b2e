"""`serve`, `worker`, `demo`: the program at work."""

from __future__ import annotations

import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import click

from .ground import main, progress_bar, set_environment, start_django
from .prepare import prepare


def _serve(loaded: Any, address: str, *, worker: bool = True) -> None:
    import uvicorn

    from closeknit.web import live
    from closeknit.web.asgi import application

    server_config = uvicorn.Config(
        application,
        host=loaded.host,
        port=loaded.port,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=4,
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=64 * 1024,
        proxy_headers=bool(loaded.trusted_proxies),
        forwarded_allow_ips=loaded.trusted_proxies or None,
        lifespan="on",
    )
    server = uvicorn.Server(server_config)
    stop = threading.Event()

    def end_streams() -> None:
        # Streams never end by themselves, and a graceful shutdown waits for them: end them as soon as it begins.
        while not stop.wait(0.1):
            if server.should_exit:
                loop = live.hub.loop
                if loop is not None and not loop.is_closed():
                    loop.call_soon_threadsafe(live.hub.stop)
                return

    threading.Thread(target=end_streams, daemon=True).start()
    consumer = _consumer() if worker else None
    click.echo(address)
    sys.stdout.flush()
    try:
        server.run()
    finally:
        stop.set()
        if consumer is not None:
            consumer.stop(graceful=False)
    if not server.started:
        raise SystemExit(1)


def _consumer() -> Any:
    """The job runner inside the web process, on threads. Several processes may run one: jobs are taken once each."""
    from huey.consumer import Consumer

    from closeknit.web.tasks import huey

    class Quiet(Consumer):  # type: ignore[misc]
        def _set_signal_handlers(self) -> None:
            """The web server has them."""

    consumer = Quiet(huey, workers=1, periodic=True, max_delay=10.0, check_worker_health=False)
    consumer.start()
    return consumer


@main.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Folder for everything that is kept.")
def serve(host: str | None, port: int | None, data: Path | None) -> None:
    """Serve Closeknit. Makes what is missing, prints one address."""
    set_environment(host=host, port=port, data=data.resolve() if data else None)
    loaded = start_django()
    prepare(loaded.data)
    from closeknit.web.sealed import journal

    journal.flush()
    _serve(loaded, f"Closeknit is at {loaded.origin}/")


@main.command()
def worker() -> None:
    """Run jobs alone, beside several web processes."""
    set_environment()
    start_django()
    consumer = _consumer()
    click.echo("Closeknit's worker is running.")
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    done.wait()
    consumer.stop(graceful=True)


@main.command()
@click.option("--port", type=int, default=8041, show_default=True)
def demo(port: int) -> None:
    """Two sample members and months of shared life, in a folder that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="closeknit-demo-") as folder:
        set_environment(host="127.0.0.1", port=port, data=folder, url=f"http://demo.localhost:{port}", demo="true")
        loaded = start_django()
        prepare(loaded.data)
        from closeknit.web.demo.build import build

        with progress_bar() as progress:
            task = progress.add_task("Writing seven months of letters", total=None)
            build(progress=lambda done, total: progress.update(task, completed=done, total=total))
        _serve(loaded, f"The demo is at {loaded.origin}/")
