#!/usr/bin/env python3
"""Books visits at a hub whose machine fails, and compares what it promised with what it did.

Uses nothing of the hub but its programs, its HTTP API and its audit log:
  chaos.py --bin FOLDER --plugins FOLDER --source FOLDER
CHAOS_SECONDS (150): how long it books and breaks. CHAOS_SEED: repeats a run; printed at the start.
A power loss drops or tears what was written and not synced: shim.c notes each write, Site.lose_power takes it back.
Each accepted booking moves, ends, or stands in a list of people (GET /todo, /tasks, /alerts) by its id, with a reason.
A person who knows nothing but these lists answers what is asked there, and releases plugins that are in quarantine.
Exit status 1: something that was acknowledged was lost, done twice, or stands still and in no list.
"""
import argparse, base64, collections, datetime, errno, hashlib, hmac, http.client, json, mmap, os
import random, shutil, signal, socket, stat, struct, subprocess, sys, tempfile, threading, time

SECONDS = int(os.environ.get("CHAOS_SECONDS", "150"))
SEED = int(os.environ.get("CHAOS_SEED", str(int(time.time()))))
SETTLE_SECONDS = 240  # Patience with what was accepted, once nothing is broken any more.
CHECK_SECONDS = 20  # Interval of the look at every accepted booking.
STILL_SECONDS = 60  # A booking that is in no list has moved within this, or within the time of its own timer after it.
TIMER_SECONDS = 900  # No timer of a booking excuses it for longer.
LISTS = ("/todo", "/tasks", "/alerts")
DAY = 86_400


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def ask(port, method, path, body=None, headers=None, seconds=20):
    """(status, body) of an answer; (0, None) when none came."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, None
    finally:
        connection.close()


class Site:
    def __init__(self, options):
        self.options = options
        self.folder = tempfile.mkdtemp(prefix="rabt-chaos-")
        self.data = os.path.join(self.folder, "data")
        self.port = free_port()
        self.key = os.urandom(32)
        self.hub = None
        self.wanted = False
        self.unasked = []  # exit states of a hub that nobody stopped
        self.disk_broken = False
        self.doctor = "none yet"
        self.lock = threading.RLock()
        os.makedirs(os.path.join(self.folder, "secrets"))
        self.journal = os.path.join(self.folder, "journal")
        os.makedirs(self.journal)
        self.make_shim()

    def secret(self, name, text):
        path = os.path.join(self.folder, "secrets", name)
        with open(path, "w") as out:
            out.write(text)
        os.chmod(path, 0o600)
        return path

    def make_shim(self):
        self.shim = os.path.join(self.folder, "shim.so")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "shim.c")
        subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-o", self.shim, source, "-ldl"],
                       check=True)
        self.told_file = os.path.join(self.folder, "faults")
        with open(self.told_file, "wb") as out:
            out.write(bytes(4096))
        self.told = mmap.mmap(os.open(self.told_file, os.O_RDWR), 4096)

    def tell(self, writes=None, clock=None, die_after_syncs=None, die_after_writes=None):
        if die_after_syncs is not None:
            self.told[16:24] = struct.pack("q", die_after_syncs)
        if die_after_writes is not None:
            self.told[24:32] = struct.pack("q", die_after_writes)
        if writes is not None:
            self.told[0:8] = struct.pack("q", writes)
        if clock is not None:
            self.told[8:16] = struct.pack("q", clock)

    def start_sandbox(self):
        ready = os.path.join(self.folder, "sandbox.ready")
        options = os.path.join(self.folder, "sandbox.json")
        with open(options, "w") as out:
            json.dump({"seed": SEED, "twilio": {"media_bytes": 4096, "api_key_secret": "sandbox-api-key-secret-of-32-bytes"},
                       "fhir": {"token": "sandbox-fhir-token"}}, out)
        self.sandbox = subprocess.Popen([self.program("rabt-sandbox"), "--options", options, "--ready-file", ready],
                                        stdout=subprocess.DEVNULL, stderr=open(os.path.join(self.folder, "sandbox.log"), "wb"))
        for _ in range(300):
            if os.path.exists(ready):
                break
            time.sleep(0.1)
        with open(ready) as text:
            self.urls = json.load(text)
        self.control = int(self.urls["control"].rsplit(":", 1)[1])

    def program(self, name):
        return os.path.join(self.options.bin, name)

    def configure(self):
        his = self.secret("his", "whsec_" + base64.b64encode(self.key).decode())
        token = self.secret("fhir", "sandbox-fhir-token")
        video = self.secret("twilio", "sandbox-api-key-secret-of-32-bytes")
        url = f"http://127.0.0.1:{self.port}"
        off = "{sign_in: 'off', anonymous: 'off', read: 'off', write: 'off', rare: 'off', connect: 'off', enter: 'off', hook: 'off', refused: 'off', concurrent: 0, connections: 0}"
        visit = os.path.join(os.path.dirname(os.path.abspath(__file__)), "visit.yaml")
        self.file = os.path.join(self.folder, "rabt.yaml")
        with open(self.file, "w") as out:
            out.write(f"""tenant: demo-hospital
server: {{address: 127.0.0.1, port: {self.port}, public_url: "{url}", rates: {off}}}
data: "{self.data}"
plugins: "{self.options.plugins}"
migrations: "{self.options.source}/migrations/sqlite"
workflows: ["{visit}"]
log: {{level: info, file: "{self.folder}/hub.log"}}
roles: {{register: "hub://register", session: "hub://session", recording: "hub://recording", video: "plugin://twilio", ehr: "plugin://fhir"}}
plugin:
  fhir:
    config: {{base_url: "{self.urls['fhir']}/fhir"}}
    secrets: {{access_token: {{file: "{token}"}}}}
    hosts: ["{self.urls['fhir']}"]
  twilio:
    config: {{account_sid: AC00000000000000000000000000005a4d, api_key_sid: SK00000000000000000000000000005a4d, base_url: "{self.urls['twilio']}", callback_url: "{url}/hooks/twilio"}}
    secrets: {{api_key_secret: {{file: "{video}"}}}}
    hosts: ["{self.urls['twilio']}"]
sources:
  his: {{scheme: standard-webhooks, secrets: [{{file: "{his}"}}], plugin: fhir}}
""")

    def start(self):
        """Until it listens."""
        with self.lock:
            self.wanted = True
            for _ in range(20):
                ready = os.path.join(self.folder, "hub.ready")
                if os.path.exists(ready):
                    os.unlink(ready)
                self.hub = subprocess.Popen(
                    [self.program("rabt"), "serve", "--dev", "--config", self.file, "--ready-file", ready],
                    stdout=subprocess.DEVNULL, stderr=open(os.path.join(self.folder, "hub.out"), "ab"),
                    env=dict(os.environ, LD_PRELOAD=self.shim, CHAOS_FILE=self.told_file, CHAOS_DATA=self.data,
                             CHAOS_JOURNAL=self.journal))
                for _ in range(600):
                    if os.path.exists(ready):
                        with open(os.path.join(self.data, "api-token")) as text:
                            self.token = text.read().strip()
                        return
                    if self.hub.poll() is not None:
                        break
                    time.sleep(0.1)
                self.end(signal.SIGKILL)
                self.wanted = True
                time.sleep(0.5)
            with open(os.path.join(self.folder, "hub.out"), errors="replace") as said:
                sys.exit("the hub does not start: " + said.read()[-2000:])

    def hosts(self):
        """The processes of plugins."""
        found = []
        for name in os.listdir("/proc"):
            try:
                with open(f"/proc/{name}/stat") as text:
                    parent = int(text.read().rsplit(")", 1)[1].split()[1])
                with open(f"/proc/{name}/cmdline", "rb") as text:
                    program = os.path.basename(text.read().split(b"\0")[0])
            except (OSError, ValueError, IndexError):
                continue
            if parent == self.hub.pid and program == b"rabt-plugin-host":
                found.append(int(name))
        return found

    def kill_plugin(self, dice):
        """False if no plugin runs."""
        with self.lock:
            running = self.hosts()
            try:
                os.kill(dice.choice(running), signal.SIGKILL)
            except (IndexError, ProcessLookupError):
                return False
            return True

    def end(self, how):
        """Seconds that it took."""
        with self.lock:
            self.wanted = False
            begun = time.monotonic()
            if self.hub.poll() is None:
                self.hub.send_signal(how)
                try:
                    self.hub.wait(60)
                except subprocess.TimeoutExpired:
                    self.hub.kill()
                    self.hub.wait()
                    return 60.0
            if how == signal.SIGTERM and self.hub.returncode not in (0, -signal.SIGTERM) and not self.disk_broken:
                self.unasked.append(self.hub.returncode)
            return time.monotonic() - begun

    def lose_power(self, dice):
        """The hub is gone, and of what it had not synced a part: whole writes, or sectors of them. How many were lost."""
        with self.lock:
            self.end(signal.SIGKILL)
            lost = 0
            files, folders = {}, {}
            for parent, _, names in os.walk(self.data):
                folders[os.stat(parent).st_ino] = parent
                for name in names:
                    path = os.path.join(parent, name)
                    # Shared memory of processes that are gone.
                    if path.endswith("-shm"):
                        os.unlink(path)
                    elif stat.S_ISREG(os.lstat(path).st_mode):
                        files[os.lstat(path).st_ino] = path
            pending = {int(name): unsynced(os.path.join(self.journal, name)) for name in os.listdir(self.journal) if name.isdigit()}
            for inode, notes in pending.items():
                if inode in files and notes:
                    lost += take_back(files[inode], notes, dice)
            for inode, notes in pending.items():
                if inode in folders:
                    lost += sum(unname(one, dice) for one in reversed(notes))
            shutil.rmtree(self.journal)
            os.makedirs(self.journal)
            return lost

    def revive(self):
        """A hub that ended by itself is started again, as a service manager does."""
        with self.lock:
            if self.wanted and self.hub.poll() is not None:
                # A checkpoint that fails ends the process: that is how it keeps its promises.
                if not self.disk_broken:
                    self.unasked.append(self.hub.returncode)
                self.start()

    def enter_doctor(self):
        """A doctor with an account, who acts in his own name."""
        name = {"username": "doctor", "password": "three canaries by the sea"}
        _, made = self.api("POST", "/users", {"username": "doctor", "roles": ["doctor"], "name": "Doctor", "licenceNumber": "N-P-00001"})
        self.api("POST", "/auth/activate", dict(name, code=made["activation"]), token="")
        self.sign_in = lambda: self.api("POST", "/auth/login", name, token="")

    def as_doctor(self, method, path, body, headers):
        status, answer = self.api(method, path, body, headers, token=self.doctor)
        if status == 401:
            # The clock that was set ended the session of the browser.
            signed, found = self.sign_in()
            if signed == 200:
                self.doctor = found["accessToken"]
        return status, answer

    def api(self, method, path, body=None, headers=None, seconds=20, token=None):
        text = None if body is None else json.dumps(body)
        every = {"Authorization": "Bearer " + (self.token if token is None else token), "Content-Type": "application/json"}
        if token == "":
            del every["Authorization"]
        every.update(headers or {})
        status, answer = ask(self.port, method, "/api/v1" + path, text, every, seconds)
        try:
            return status, json.loads(answer) if answer else None
        except ValueError:
            return status, None

    def listed(self, path):
        """All items of a list, or None while it is not answered. A status that no fault explains is a ValueError."""
        items = []
        while path:
            status, page = self.api("GET", path)
            if status in (0, 401, 429, 503):
                return None
            if status != 200:
                raise ValueError(f"GET {path}: answered {status} {(page or {}).get('code', '')}")
            items += page["items"]
            path = page.get("next", "").removeprefix("/api/v1")
        return items

    def deliver(self, name, bundle):
        body = json.dumps(bundle)
        at = str(int(time.time() + struct.unpack("q", self.told[8:16])[0]))
        mac = hmac.new(self.key, f"{name}.{at}.{body}".encode(), hashlib.sha256).digest()
        status, answer = ask(self.port, "POST", "/hooks/his", body,
                             {"Content-Type": "application/fhir+json", "webhook-id": name, "webhook-timestamp": at,
                              "webhook-signature": "v1," + base64.b64encode(mac).decode()})
        return status, json.loads(answer) if status == 202 else None

    def faults(self, service, rules):
        ask(self.control, "PUT", "/faults/" + service, json.dumps(rules), {"Content-Type": "application/json"})

    def ledger(self):
        status, body = ask(self.control, "GET", "/ledger", seconds=60)
        found = json.loads(body)
        return found if isinstance(found, list) else found.get("entries", found.get("effects", []))


NOTE = struct.Struct("5q")  # kind, at, old, fresh, size: shim.c
WRITE, SIZE, SYNCED, RENAME = 1, 2, 3, 4
SECTOR = 512


def unsynced(path):
    """The notes of a journal that no sync has followed: (kind, at, size before, old bytes, new bytes)."""
    with open(path, "rb") as file:
        text = file.read()
    at, durable, notes = 0, 0, []
    while at + NOTE.size <= len(text):
        kind, where, old, fresh, size = NOTE.unpack_from(text, at)
        begin = at + NOTE.size
        if begin + old + fresh > len(text):
            break
        if kind == SYNCED:
            durable = where
        else:
            notes.append((at, (kind, where, size, text[begin:begin + old], text[begin + old:begin + old + fresh])))
        at = begin + old + fresh
    return [note for place, note in notes if place >= durable]


def take_back(path, notes, dice):
    """What is left of a file: all notes are undone, then some are done again, whole or in part."""
    lost = 0
    keep_all, drop_all = dice.random() < 0.1, dice.random() < 0.2
    with open(path, "r+b") as file:
        for kind, at, size, old, _ in reversed(notes):
            file.seek(at)
            file.write(old)
            file.truncate(size)
        for kind, at, size, _, fresh in notes:
            fate = "keep" if keep_all else "drop" if drop_all else dice.choice(["keep", "drop", "torn"])
            lost += fate != "keep"
            if fate == "drop":
                continue
            if kind == SIZE:
                file.truncate(at)
                continue
            for begin in range(0, len(fresh), SECTOR):
                if fate == "keep" or dice.random() < 0.5:
                    file.seek(at + begin)
                    file.write(fresh[begin:begin + SECTOR])
    return lost


def unname(note, dice):
    """Undoes a change of a name that its folder was not synced after, or leaves it."""
    if note[0] != RENAME or dice.random() < 0.5:
        return 0
    before, after, kept = note[3].decode().split("\n")
    if not os.path.exists(after) or os.path.exists(before):
        return 0
    os.rename(after, before)
    if kept:
        os.link(kept, after)
    return 1


def luhn(number):
    digits = "1" + f"{number:08d}"
    total = 0
    for place, digit in enumerate(digits):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return digits + str((10 - total % 10) % 10)


def seconds_of(time_text):
    return datetime.datetime.fromisoformat(time_text.replace("Z", "+00:00")).timestamp()


def patience(view):
    """Seconds that an instance may stand still: a pause of its own or before a repeat counts, a timeout does not."""
    waits = view.get("waits", {})
    own = 0
    if view["status"] == "waiting" and waits.get("timer") in ("wait", "retry"):
        own = seconds_of(waits["until"]) - seconds_of(view["updated"])
    return STILL_SECONDS + min(max(own, 0), TIMER_SECONDS)


def reason_in(item):
    """What a list says to people about an item; empty if it says nothing."""
    call = item.get("call", {})
    parts = [item.get("what"), (item.get("text") or {}).get("en"), item.get("title"), call.get("role"), call.get("action")]
    return " ".join(one for one in parts if one)


def names(value, wanted):
    """True if an id stands anywhere in an item, alone or as a part of another id: parked-<instance>-<call>."""
    if isinstance(value, dict):
        return any(names(one, wanted) for one in value.values())
    if isinstance(value, list):
        return any(names(one, wanted) for one in value)
    return isinstance(value, str) and wanted in value


class Booking:
    def __init__(self, number, source, asks=False):
        self.number = number
        self.key = f"C-{SEED}-{number}"
        with open(os.path.join(source, "tools/demo/booking.json"), encoding="utf-8") as text:
            template = text.read()
        start = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
        for name, value in {"key": self.key, "member": f"{number:010d}", "identity": luhn(number), "patient": "Patient " + str(number),
                            "given": "Patient", "family": "Number" + str(number), "practitioner": "Doctor", "complaint": "ask first" if asks else "headache",
                            "start": start.isoformat(), "end": (start + datetime.timedelta(minutes=20)).isoformat()}.items():
            template = template.replace("{{" + name + "}}", value)
        self.bundle = json.loads(template)
        self.instance = None  # once it is accepted
        self.called_off = False  # once the cancellation is accepted
        self.overtook = False
        self.asks = asks  # A person decides before the visit begins.
        self.seen = None
        self.moved = time.monotonic()
        self.ended = None

    def cancellation(self):
        appointment = json.loads(json.dumps(self.bundle["entry"][0]))
        appointment["resource"]["status"] = "cancelled"
        return {"resourceType": "Bundle", "type": "collection", "entry": [appointment]}


class Run:
    def __init__(self, site):
        self.site = site
        self.random = random.Random(SEED)
        self.bookings = []
        self.sessions = {}  # Idempotency-Key -> id of the session that it was answered
        self.acted = {}  # id of a session -> how often each act on it was acknowledged
        self.visits = {}  # the same for the visits of the doctor
        self.patients = set()  # ids of those who were made under keys
        self.lost_writes = 0
        self.faults = []
        self.wrong = []
        self.over = threading.Event()
        self.settled = threading.Event()
        self.found_listed = collections.Counter()  # bookings that stood still and in a list, by what it says
        self.answered = {}  # id of a task -> when its answer was acknowledged; None before
        self.released = 0
        self.lock = threading.Lock()
        self.slow_stop = 0.0

    def fails(self, text):
        with self.lock:
            self.wrong.append(text)
        print("WRONG", text, flush=True)

    def until_taken(self, name, bundle):
        """Repeats a delivery as a hospital's system does, until it is acknowledged."""
        while True:
            status, answer = self.site.deliver(name, bundle)
            if status == 202:
                return answer
            if status and status < 500 and status not in (401, 409, 429):
                self.fails(f"{name}: a delivery was answered {status}")
                return None
            if status == 409:
                self.fails(f"{name}: a repeat of a delivery was refused")
                return None
            time.sleep(0.2)

    def book(self, seed):
        dice = random.Random(seed)
        while not self.over.is_set():
            with self.lock:
                booking = Booking(len(self.bookings), self.site.options.source, asks=len(self.bookings) % 8 == 3)
                self.bookings.append(booking)
            off = dice.random() < 0.25
            overtakes = off and dice.random() < 0.5

            def call_off():
                if self.until_taken(booking.key + "-off", booking.cancellation()) is not None:
                    booking.called_off = True

            if overtakes:
                booking.overtook = True
                call_off()
            answer = self.until_taken(booking.key, booking.bundle)
            if answer is not None:
                ids = answer.get("instances", [])
                if len(ids) != 1:
                    self.fails(f"{booking.key}: accepted, and {len(ids)} visits began")
                else:
                    booking.instance, booking.moved = ids[0], time.monotonic()
            if off and not overtakes:
                call_off()
            # A repeat of what was acknowledged gets the same answer.
            if dice.random() < 0.2 and booking.instance:
                again = self.until_taken(booking.key, booking.bundle)
                if again is not None and again.get("instances") != [booking.instance]:
                    self.fails(f"{booking.key}: the repeat began another visit")
            time.sleep(dice.uniform(0.05, 0.4))

    def under_key(self, method, path, body, key, good, send=None, same=None):
        """Sends an act until it is answered, and once more: these members of the answers are the same. Its body, or None."""
        answers = []
        while len(answers) < 2:
            status, answer = (send or self.site.api)(method, path, body, {"Idempotency-Key": key})
            if status == good:
                answers.append(answer)
            elif status in (400, 403, 404, 409, 422) and (answer or {}).get("code") != "idempotency.running":
                self.fails(f"{key}: answered {status} {(answer or {}).get('code', '')}")
                return None
            else:
                time.sleep(0.2)
        kept = [{k: v for k, v in one.items() if (k in same if same is not None else k not in ("accessToken", "tokenUse"))} for one in answers]
        if kept[0] != kept[1]:
            self.fails(f"{key}: the repeat was answered otherwise")
        return answers[0]

    def act_on(self, session, key):
        """Acts under keys on one session. None may be done twice, and of none the outcome may be unknown."""
        path, acts = "/sessions/" + session, collections.Counter()
        self.acted[session] = acts
        added = self.under_key("POST", path + "/participants", {"role": "nurse", "name": "Nurse", "licenceNumber": "N-P-00002"}, key + "-add", 201)
        acts["participants"] += added is not None
        invited = self.under_key("POST", path + "/invitations", {"role": "specialist", "name": "Specialist", "email": "one@example.sa"}, key + "-invite", 201)
        acts["invitations"] += invited is not None
        if added is not None:
            self.under_key("POST", f"{path}/participants/{added['participant']['id']}/admit", {}, key + "-admit", 200)
        patient = self.under_key("POST", "/patients", {"name": "Patient " + key}, key + "-patient", 201)
        if patient is not None:
            self.patients.add(patient["id"])
            self.consult(patient["id"], key)
        self.under_key("POST", path + "/cancel", {"reason": "the checker is done"}, key + "-cancel", 200)

    def consult(self, patient, key):
        """A visit that a doctor holds by himself."""
        def does(act, body, good, same=None):
            return self.under_key("POST", path + act, body, f"{key}{act or '/visit'}", good, self.site.as_doctor, same)

        path = "/sessions"
        visit = does("", {"type": "doctor_patient", "patient": patient, "recording": "off"}, 201, ["id"])
        if visit is None:
            return
        path, acts = "/sessions/" + visit["id"], collections.Counter()
        if does("/join", {}, 200, ["admission"]) is None or does("/token", {}, 200, ["identity"]) is None:
            return
        if does("/start", {}, 200, ["id"]) is None:
            return
        for text in ("/messages", "/notes"):
            acts[text[1:]] += does(text, {"text": "good morning"} if text == "/messages" else {"content": "stable"}, 201) is not None
        does("/end", {"reason": "normal"}, 200, [])
        self.visits[visit["id"]] = acts

    def act(self, seed):
        """Sessions that a client makes under keys, each sent until it is answered, and once more."""
        dice = random.Random(seed)
        number = 0
        while not self.over.is_set():
            number += 1
            key = f"act-{SEED}-{seed}-{number}"
            body = {"type": "medical_team", "scheduledStart": "2030-01-01T09:00:00Z", "recording": "off",
                    "participants": [{"role": "doctor", "name": "Doctor", "licenceNumber": "N-P-00001"}]}
            ids = []
            for _ in range(2):
                while True:
                    status, answer = self.site.api("POST", "/sessions", body, {"Idempotency-Key": key})
                    if status == 201:
                        ids.append(answer["id"])
                        break
                    if status in (400, 401, 403, 404, 422):
                        self.fails(f"{key}: answered {status} {answer.get('code') if answer else ''}")
                        return
                    if status == 409 and answer and answer.get("code") == "idempotency.outcome_unknown":
                        self.fails(f"{key}: the outcome is unknown")
                        return
                    time.sleep(0.2)
            if len(set(ids)) > 1:
                self.fails(f"{key}: two sessions under one key")
            self.sessions[key] = ids[0]
            self.act_on(ids[0], key)
            time.sleep(dice.uniform(0.3, 1.5))

    def nemesis(self):
        site, dice = self.site, self.random
        while not self.over.wait(dice.uniform(2, 6)):
            what = dice.choice(["kill", "commit", "power", "power", "stop", "full", "io", "ahead", "behind", "slow", "lost", "plugin"])
            if what == "plugin" and not site.kill_plugin(dice):
                continue
            self.faults.append(what)
            print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)
            if what == "plugin":
                pass
            elif what in ("kill", "stop"):
                took = site.end(signal.SIGKILL if what == "kill" else signal.SIGTERM)
                self.slow_stop = max(self.slow_stop, took if what == "stop" else 0)
                site.start()
            elif what in ("commit", "power"):
                # Between a commit and its answer, or between two writes.
                with site.lock:
                    site.wanted = False
                    if what == "commit":
                        site.tell(die_after_syncs=dice.randint(1, 8))
                    else:
                        site.tell(die_after_writes=dice.randint(1, 300))
                    try:
                        site.hub.wait(10)
                    except subprocess.TimeoutExpired:
                        pass
                    site.tell(die_after_syncs=0, die_after_writes=0)
                    self.lost_writes += site.lose_power(dice)
                    site.start()
            elif what in ("full", "io"):
                site.disk_broken = True
                site.tell(writes=errno.ENOSPC if what == "full" else errno.EIO)
                time.sleep(dice.uniform(0.05, 1.0))
                site.tell(writes=0)
                time.sleep(1)
                site.revive()
                site.disk_broken = False
            elif what in ("ahead", "behind"):
                site.tell(clock=60 * DAY if what == "ahead" else -DAY)
                time.sleep(dice.uniform(0.5, 4))
                site.tell(clock=0)
            else:
                rule = {"match": {"method": "POST"}, "probability": 0.5}
                rule.update({"fault": "latency", "ms": 20_000} if what == "slow" else {"fault": "drop-reply"})
                site.faults("twilio", [rule])
                site.faults("fhir", [dict(rule, fault="drop-reply")])
                time.sleep(dice.uniform(3, 10))
                site.faults("twilio", [])
                site.faults("fhir", [])
            site.revive()

    def person(self):
        """Works off the lists, and knows of nothing that does not stand there."""
        dice, since = random.Random(SEED), {}
        while not self.settled.wait(2):
            try:
                tasks, todo = self.site.listed("/tasks?kind=parked"), self.site.listed("/todo")
            except ValueError as error:
                self.fails(str(error))
                continue
            now = time.monotonic()
            for one in tasks or []:
                name, call = one["id"], one["call"]
                asked = call["action"] == "decide"
                at = self.answered.get(name)
                if at is not None:
                    if asked and now - at > STILL_SECONDS:
                        self.fails(f"{name}: was answered, and is asked again")
                        self.answered[name] = now
                    if asked or now - at < 10:
                        continue
                # Long enough for a look to meet it.
                if now < since.setdefault(name, now + dice.uniform(5, 30)):
                    continue
                repeated = name in self.answered
                self.answered[name] = None
                answer = {"outcome": "done", "output": {"decision": "go-on"}} if asked else {"outcome": "again"}
                status, said = self.site.api("POST", f"/tasks/{name}/decide", {"answer": answer, "reason": "the checker"})
                if status == 200 or (repeated and status in (404, 409)):
                    self.answered[name] = time.monotonic()
                elif status in (400, 403, 404, 409, 422):
                    self.fails(f"{name}: its answer was answered {status} {(said or {}).get('code', '')}")
                    self.answered[name] = time.monotonic()
            for one in todo or []:
                if one["kind"] == "plugin" and one.get("code") == "quarantined":
                    status, _ = self.site.api("POST", f"/plugins/{one['plugin']}/release", {"reason": "the checker killed it"})
                    self.released += status == 200

    def look(self, last=False):
        """Each accepted booking has moved, has ended, or stands in a list with a reason."""
        open_ones, still = 0, []
        for booking in list(self.bookings):
            if booking.instance is None or booking.ended:
                continue
            status, view = self.site.api("GET", "/instances/" + booking.instance)
            if status == 404:
                self.fails(f"{booking.key}: was acknowledged, and is not known any more")
                booking.ended = "lost"
            if status != 200:
                open_ones += 1
                continue
            now = (view["status"], view["turns"])
            if now != booking.seen:
                booking.seen, booking.moved = now, time.monotonic()
            if view["status"] in ("completed", "faulted", "cancelled"):
                booking.ended = view["status"]
                booking.view = view
                continue
            open_ones += 1
            if view["status"] == "parked" or time.monotonic() - booking.moved > patience(view):
                still.append((booking, view))
            if last:
                tasks = [(one["task"], one.get("failure")) for one in view["timeline"] if "ended" not in one]
                self.fails(f"{booking.key}: did not end: {view['status']}, {tasks}")
        if still:
            self.look_in_lists(still)
        return open_ones

    def look_in_lists(self, still):
        lists = {}
        for path in LISTS:
            try:
                lists[path] = self.site.listed(path)
            except ValueError as error:
                self.fails(str(error))
                return
            if lists[path] is None:
                return
        for booking, before in still:
            told = [(path, reason_in(one)) for path in LISTS for one in lists[path]
                    if names(one, booking.instance) or names(one, booking.key)]
            decision = any(one["kind"] == "decision" for one in lists["/todo"])
            lacks = "is in none of " + ", ".join(LISTS) if not told else "stands there without a reason" if not all(
                reason for _, reason in told) else "/todo has no decision" if before["status"] == "parked" and not decision else ""
            if not lacks:
                self.found_listed.update({" ".join(one) for one in told})
                continue
            # It stood still all the while that the lists were read: otherwise they were right to leave it out.
            status, view = self.site.api("GET", "/instances/" + booking.instance)
            if status != 200 or (view["status"], view["turns"]) != (before["status"], before["turns"]):
                continue
            tasks = ", ".join(one["task"] for one in view["timeline"] if "ended" not in one)
            self.fails(f"{booking.key}: {view['status']} at {tasks} since {view['updated']}, waits {view.get('waits')}: {lacks}")
            booking.moved = time.monotonic()

    def compare(self):
        accepted = [one for one in self.bookings if one.instance]
        done = [one for one in accepted if one.ended == "completed"]
        for one in accepted:
            if one.ended in ("faulted", "cancelled"):
                self.fails(f"{one.key}: an accepted visit ended as {one.ended}: {one.view.get('error')}")
        ids = collections.Counter(one.instance for one in accepted)
        for one, count in ids.items():
            if count > 1:
                self.fails(f"{one}: one visit was promised to {count} bookings")
        for one in done:
            tasks = {task["task"] for task in one.view["timeline"] if task["state"] != "skipped"}
            held, off = "encounter" in tasks, "callOff" in tasks
            if held and one.asks and not any(names(task, one.instance) for task in self.answered):
                self.fails(f"{one.key}: went on, and nobody was asked")
            if held == off:
                self.fails(f"{one.key}: neither held nor called off: {sorted(tasks)}")
            one.held = held
            if one.called_off and one.overtook and held:
                self.fails(f"{one.key}: its cancellation was accepted first, and the visit was held")
            if off and not one.called_off:
                self.fails(f"{one.key}: called off, and nobody asked for it")
        # Effects in other systems, by their ledgers.
        encounters, rooms = collections.Counter(), collections.Counter()
        for effect in self.site.ledger():
            kind, key = effect.get("kind", ""), effect.get("key", "")
            if kind == "resource.created" and key.startswith("Encounter"):
                encounters[key] += 1
            if kind == "room.created":
                rooms[key] += 1
        for key, count in encounters.items():
            if count > 1:
                self.fails(f"{key}: written {count} times at the record system")
        held = sum(1 for one in done if one.held)
        if len(encounters) < held:
            self.fails(f"{held} visits were held, and the record system has {len(encounters)} encounters")
        for key, count in rooms.items():
            if count > 2:
                self.fails(f"{key}: {count} rooms at the provider")
        for key, session in self.sessions.items():
            status, _ = self.site.api("GET", "/sessions/" + session)
            if status != 200:
                self.fails(f"{key}: the session that was acknowledged is answered {status}")
        for session, acts in self.acted.items():
            for what, count in acts.items():
                status, found = self.site.api("GET", f"/sessions/{session}/{what}")
                # The doctor is there from the beginning.
                there = len(found["items"]) - (what == "participants") if status == 200 else -1
                if there != count:
                    self.fails(f"session {session}: {count} acknowledged acts on its {what}, and there are {there}")
        for visit, acts in self.visits.items():
            for what, count in acts.items():
                for _ in range(10):
                    status, found = self.site.as_doctor("GET", f"/sessions/{visit}/{what}", None, {})
                    if status == 200:
                        break
                    time.sleep(1)
                there = len(found["items"]) if status == 200 else f"an answer of {status}"
                if there != count:
                    self.fails(f"visit {visit}: {count} acknowledged {what}, and there are {there}")
        log = subprocess.run([self.site.program("rabt"), "audit", "export", "--config", self.site.file, "--format", "jsonl",
                              "--reason", "the checker compares"], capture_output=True, text=True)
        self.site.end(signal.SIGTERM)
        audit = subprocess.run([self.site.program("rabt"), "audit", "verify", "--config", self.site.file],
                               capture_output=True, text=True)
        if audit.returncode != 0:
            self.fails("the audit log does not verify: " + (audit.stdout + audit.stderr)[-500:])
        started, made, patients = collections.Counter(), collections.Counter(), {}
        for line in log.stdout.splitlines():
            entry = json.loads(line)
            entry = entry.get("entry", entry)
            act, thing = entry.get("act"), entry.get("object", "")
            if act == "instance.started":
                started[thing] += 1
            if act == "session.created":
                made[thing] += 1
            if act == "patient.created":
                patients[thing.removeprefix("person:")] = entry.get("actor")
        for one in accepted:
            if started["instance:" + one.instance] != 1:
                self.fails(f"{one.key}: the audit log has its start {started['instance:' + one.instance]} times")
        actors = {patients.get(one) for one in self.patients}
        by_us = sum(actor in actors for actor in patients.values())
        if None in actors or by_us != len(self.patients):
            self.fails(f"{len(self.patients)} patients were made under keys, and the audit log has {by_us}")
        for key, session in self.sessions.items():
            if made["session:" + session] != 1:
                self.fails(f"{key}: the audit log has the session {made['session:' + session]} times")
        print(f"{len(accepted)} bookings accepted, {held} held, {len(done) - held} called off, {len(self.sessions)} sessions made, "
              f"{sum(sum(one.values()) for one in self.acted.values())} acts on them, {len(self.visits)} visits of the doctor, {self.lost_writes} writes lost to power cuts, "
              f"{len(self.faults)} faults {dict(collections.Counter(self.faults))}, slowest stop {self.slow_stop:.1f} s")
        print(f"in lists, by what they say: {dict(self.found_listed)}; {sum(at is not None for at in self.answered.values())} "
              f"tasks answered, {self.released} plugins released")
        if not self.found_listed or not self.answered:
            self.fails("nothing stood in a list: the run says nothing about lists")
        if held == 0 or len(self.faults) == 0:
            self.fails("nothing was held or nothing was broken: the run says nothing")

    def go(self):
        threads = [threading.Thread(target=self.book, args=(SEED + one,)) for one in range(3)]
        threads += [threading.Thread(target=self.act, args=(one,)) for one in range(2)]
        breaks = threading.Thread(target=self.nemesis)
        person = threading.Thread(target=self.person)
        for one in threads + [breaks, person]:
            one.start()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            time.sleep(min(CHECK_SECONDS, max(0.1, end - time.monotonic())))
            self.look()
        self.over.set()
        breaks.join()
        self.site.tell(writes=0, clock=0)
        self.site.faults("twilio", [])
        self.site.faults("fhir", [])
        self.site.revive()
        for one in threads:
            one.join()
        end = time.monotonic() + SETTLE_SECONDS
        while self.look() and time.monotonic() < end:
            self.site.revive()
            time.sleep(2)
        self.look(last=True)
        self.settled.set()
        person.join()
        self.compare()
        for code in self.site.unasked:
            self.fails(f"the hub ended by itself with {code}")
        if self.slow_stop > 10:
            self.fails(f"a stop took {self.slow_stop:.1f} s; 10 s are promised")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("bin", "plugins", "source"):
        parser.add_argument("--" + name, required=True)
    options = parser.parse_args()
    print(f"CHAOS_SEED={SEED} CHAOS_SECONDS={SECONDS}", flush=True)
    site = Site(options)
    site.start_sandbox()
    run = Run(site)
    try:
        site.configure()
        site.start()
        site.enter_doctor()
        run.go()
    finally:
        run.over.set()
        run.settled.set()
        if site.hub is not None:
            site.end(signal.SIGKILL)
        site.sandbox.kill()
        site.sandbox.wait()
    if run.wrong:
        print(f"{len(run.wrong)} wrong; what the hub wrote is in {site.folder}; repeat with CHAOS_SEED={SEED}")
        return 1
    shutil.rmtree(site.folder)
    print("nothing was lost, nothing was done twice, nothing stands still unlisted")
    return 0


if __name__ == "__main__":
    sys.exit(main())
