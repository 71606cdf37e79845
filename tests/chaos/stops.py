#!/usr/bin/env python3
"""SIGTERM ends a hub within 10 s, whatever it waits for; a machine that is too small is refused with a reason.

Uses nothing of the hub but its programs and its HTTP API: stops.py --bin FOLDER --plugins FOLDER --source FOLDER
"""
import argparse, errno, os, resource, shutil, signal, socket, subprocess, sys, time

import chaos

WITHIN = 10
wrong = []


def fails(text):
    wrong.append(text)
    print("WRONG", text, flush=True)


def said(site, event):
    with open(os.path.join(site.folder, "hub.log"), errors="replace") as log:
        return any(event in line for line in log)


def log_lines(site):
    with open(os.path.join(site.folder, "hub.log"), errors="replace") as log:
        return sum(1 for _ in log)


def processor(site):
    """Seconds of processor that the hub has used."""
    with open(f"/proc/{site.hub.pid}/stat") as text:
        fields = text.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def open_visits(site, count):
    """Visits that are under way while their rooms are slow."""
    site.faults("twilio", [{"match": {"method": "POST"}, "fault": "latency", "ms": 60_000}])
    bookings = [chaos.Booking(int(time.time() * 10) % 10_000_000 + one, site.options.source) for one in range(count)]
    for one in bookings:
        for _ in range(50):
            if site.deliver(one.key, one.bundle)[0] == 202:
                break
            time.sleep(0.1)


def stop(site, name):
    took = site.end(signal.SIGTERM)
    print(f"{name}: {took:.1f} s, exit {site.hub.returncode}", flush=True)
    if took > WITHIN:
        fails(f"{name}: a stop took {took:.1f} s; {WITHIN} s are promised")
    if site.hub.returncode != 0:
        fails(f"{name}: a stop ended with {site.hub.returncode}")


def removed(site):
    open_visits(site, 20)
    shutil.rmtree(site.data)
    open_visits(site, 2)
    time.sleep(2)


def full(site):
    open_visits(site, 20)
    site.disk_broken = True
    site.tell(writes=errno.ENOSPC)
    time.sleep(2)
    # Work that waits for room says so once, and does not turn about it.
    lines, used = log_lines(site), processor(site)
    time.sleep(6)
    lines, used = (log_lines(site) - lines) / 6, (processor(site) - used) / 6
    print(f"full: {lines:.1f} lines and {used:.2f} s of processor a second", flush=True)
    if lines > 20:
        fails(f"full: {lines:.0f} lines of log a second while nothing can be written")
    if used > 0.5:
        fails(f"full: {used:.2f} s of processor a second while nothing can be written")


def hangup(site):
    os.kill(site.hub.pid, signal.SIGHUP)
    for _ in range(50):
        if said(site, "hub.hangup_ignored"):
            break
        time.sleep(0.1)
    else:
        fails("hangup: the log does not say hub.hangup_ignored")
    if site.hub.poll() is not None:
        fails("hangup: SIGHUP ended the hub")


def hanging_plugins(site):
    open_visits(site, 5)
    for one in site.hosts():
        os.kill(one, signal.SIGSTOP)
    time.sleep(1)


def slow_peers(site):
    open_visits(site, 5)
    site.peers = []
    for half in (b"POST /hooks/his HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{", b"GET /health HT", b""):
        for _ in range(20):
            one = socket.create_connection(("127.0.0.1", site.port))
            one.sendall(half)
            site.peers.append(one)
    # Asks for much and reads nothing.
    reader = socket.create_connection(("127.0.0.1", site.port))
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.sendall(b"GET /api/v1/openapi.yaml HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
    site.peers.append(reader)


def silent_log(site):
    """Standard error is a pipe that nobody reads."""
    site.end(signal.SIGTERM)
    with open(site.file) as text:
        config = text.read()
    with open(site.file, "w") as out:
        out.write(config.replace(f", file: \"{site.folder}/hub.log\"", "").replace("level: info", "level: debug"))
    ends = os.pipe()
    ready = os.path.join(site.folder, "hub.ready")
    if os.path.exists(ready):
        os.unlink(ready)
    site.hub = subprocess.Popen([site.program("rabt"), "serve", "--dev", "--config", site.file, "--ready-file", ready],
                                stdout=subprocess.DEVNULL, stderr=ends[1])
    for _ in range(300):
        if os.path.exists(ready):
            break
        time.sleep(0.1)
    os.set_blocking(ends[1], False)
    try:
        while True:
            os.write(ends[1], b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(ends[1], True)
    for _ in range(20):
        # Refusals are logged.
        chaos.ask(site.port, "POST", "/hooks/his", "{}", {"Content-Type": "application/json"}, 1)


def too_small(site, name, code, limits=(), file=None):
    """The hub does not start, says why and ends by itself."""
    def lower():
        for which, limit in limits:
            resource.setrlimit(which, (limit, limit))
    ended = subprocess.run([site.program("rabt"), "serve", "--dev", "--config", file or site.file], capture_output=True,
                           text=True, timeout=60, preexec_fn=lower)
    print(f"{name}: exit {ended.returncode}: {ended.stderr.strip()[-300:]}", flush=True)
    if ended.returncode != 2 or code not in ended.stderr:
        fails(f"{name}: exit {ended.returncode}, and {code} is not said")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("bin", "plugins", "source"):
        parser.add_argument("--" + name, required=True)
    options = parser.parse_args()
    for case in (removed, full, hangup, hanging_plugins, slow_peers, silent_log):
        site = chaos.Site(options)
        site.start_sandbox()
        try:
            site.configure()
            site.start()
            case(site)
            others = site.hosts()
            stop(site, case.__name__)
            for one in others:
                try:
                    os.kill(one, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            if case is silent_log:
                too_small(site, "few files", "process.open_files", [(resource.RLIMIT_NOFILE, 64)])
                too_small(site, "more files, and too few", "process.open_files", [(resource.RLIMIT_NOFILE, 128)])
                too_small(site, "little address space", "process.address_space", [(resource.RLIMIT_AS, 1 << 30)])
                too_small(site, "little data", "process.data", [(resource.RLIMIT_DATA, 1 << 28)])
                with open(site.file) as text:
                    config = text.read()
                other = os.path.join(site.folder, "other.yaml")
                with open(other, "w") as out:
                    out.write(config.replace("level: debug", "level: debug, file: /proc/nowhere/hub.log"))
                too_small(site, "a log that cannot be written", "log.file", file=other)
        finally:
            if site.hub is not None and site.hub.poll() is None:
                site.end(signal.SIGKILL)
            site.sandbox.kill()
            site.sandbox.wait()
            shutil.rmtree(site.folder, ignore_errors=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
