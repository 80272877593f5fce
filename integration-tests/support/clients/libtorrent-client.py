"""One torrent in libtorrent: NDJSON events out, until SIGTERM."""
import json
import signal
import sys
import time

import libtorrent as lt


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def flush(session, handle):
    """A torrent is complete before its last blocks are written: an exit must wait for them."""
    handle.flush_cache()
    deadline = time.monotonic() + 8
    while time.monotonic() < deadline:
        session.wait_for_alert(100)
        if any(isinstance(alert, lt.cache_flushed_alert) for alert in session.pop_alerts()):
            return


def main():
    job = json.loads(sys.argv[1])
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    session = lt.session(
        {
            "listen_interfaces": "%s:%d" % (job["address"], job["port"]),
            "enable_dht": False,
            "enable_lsd": False,
            "enable_upnp": False,
            "enable_natpmp": False,
            "enable_incoming_utp": False,
            "enable_outgoing_utp": False,
            "allow_multiple_connections_per_ip": True,
            "alert_mask": lt.alert.category_t.status_notification
            | lt.alert.category_t.error_notification
            | lt.alert.category_t.storage_notification,
        }
    )
    parameters = lt.add_torrent_params()
    parameters.ti = lt.torrent_info(job["torrent"])
    parameters.save_path = job["folder"]
    parameters.flags &= ~lt.torrent_flags.auto_managed
    parameters.flags &= ~lt.torrent_flags.paused
    handle = session.add_torrent(parameters)

    checked = complete = False
    progress = 0
    while not stopping:
        session.wait_for_alert(20)
        for alert in session.pop_alerts():
            if isinstance(alert, lt.torrent_checked_alert) and not checked:
                checked = True
                say("ready", port=session.listen_port())
                for host, port in job["peers"]:
                    handle.connect_peer((host, port))
            elif isinstance(alert, (lt.torrent_error_alert, lt.file_error_alert, lt.listen_failed_alert)):
                say("error", message=alert.message())
        status = handle.status()
        if checked and status.is_seeding and not complete:
            complete = True
            say("complete", uploaded=status.total_payload_upload)
        progress += 1
        if progress % 50 == 0:
            say("progress", done=status.total_wanted_done, uploaded=status.total_payload_upload, peers=status.num_peers)
    flush(session, handle)


main()
