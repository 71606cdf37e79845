-- Video sessions. What a list is filtered by stands here in clear, and none of it is patient data: persons are ids.
-- Everything else of a session is one sealed document in session_sealed.
CREATE TABLE session (
  tenant      TEXT    NOT NULL,
  id          TEXT    NOT NULL, -- ULID
  number      INTEGER NOT NULL, -- counts from 1 in each tenant
  version     INTEGER NOT NULL, -- rises with each change of the document
  events      INTEGER NOT NULL, -- session_event.seq of the newest event
  status      TEXT    NOT NULL, -- consultation::SessionStatus
  type        TEXT    NOT NULL, -- consultation::SessionType
  booking     TEXT    NOT NULL, -- direct, clinic, or empty
  provider    TEXT    NOT NULL, -- person's ULID, or empty, as in the next one
  patient     TEXT    NOT NULL,
  visit       TEXT    NOT NULL, -- ULID, or empty, as in the next three
  clinic      TEXT    NOT NULL,
  consultation TEXT   NOT NULL,
  follow_up_of TEXT   NOT NULL,
  appointment TEXT    NOT NULL, -- hex of a blind index, or empty
  room_sid    TEXT    NOT NULL, -- the provider's id of the room, or empty
  door        TEXT    NOT NULL, -- which way it was created
  at_ms       INTEGER NOT NULL, -- planned start, or when it was created
  scheduled_ms INTEGER,
  planned_minutes INTEGER NOT NULL,
  created_ms  INTEGER NOT NULL,
  updated_ms  INTEGER NOT NULL,
  started_ms  INTEGER,
  ended_ms    INTEGER,
  due_ms      INTEGER,          -- when the hub has to look at it without being asked; NULL: never
  data_key    BLOB    NOT NULL, -- data_key.id
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX session_number ON session (tenant, number);
CREATE INDEX session_status ON session (tenant, status, id);
CREATE INDEX session_type ON session (tenant, type, id);
CREATE INDEX session_provider ON session (tenant, provider, id) WHERE provider <> '';
CREATE INDEX session_patient ON session (tenant, patient, id) WHERE patient <> '';
CREATE INDEX session_visit ON session (tenant, visit, id) WHERE visit <> '';
CREATE INDEX session_clinic ON session (tenant, clinic, id) WHERE clinic <> '';
CREATE INDEX session_appointment ON session (tenant, appointment, id) WHERE appointment <> '';
CREATE INDEX session_room ON session (tenant, room_sid) WHERE room_sid <> '';
CREATE INDEX session_at ON session (tenant, at_ms, id);
CREATE INDEX session_due ON session (due_ms) WHERE due_ms IS NOT NULL;

-- The document, sealed with the session's key and bound to id and version.
CREATE TABLE session_sealed (
  tenant TEXT NOT NULL,
  id     TEXT NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (tenant, id)
);

-- Who of the tenant's people takes part: for lists. Guests stand in the document alone.
CREATE TABLE session_member (
  tenant      TEXT    NOT NULL,
  person      TEXT    NOT NULL, -- ULID
  session     TEXT    NOT NULL,
  participant TEXT    NOT NULL, -- ULID
  role        TEXT    NOT NULL,
  admission   TEXT    NOT NULL,
  PRIMARY KEY (tenant, person, session)
) WITHOUT ROWID;
CREATE INDEX session_member_session ON session_member (tenant, session);

-- The timeline of a session, and the outbox of what the hub tells about it. No patient data.
CREATE TABLE session_event (
  tenant  TEXT    NOT NULL,
  session TEXT    NOT NULL,
  seq     INTEGER NOT NULL, -- from 1
  type    TEXT    NOT NULL, -- without the prefix
  at_ms   INTEGER NOT NULL,
  actor   TEXT    NOT NULL,
  data    TEXT    NOT NULL, -- JSON
  sent    INTEGER NOT NULL, -- 1: workflows have it
  PRIMARY KEY (tenant, session, seq)
) WITHOUT ROWID;
CREATE INDEX session_event_unsent ON session_event (at_ms) WHERE sent = 0;

-- One row for each stay of a participant in the call.
CREATE TABLE session_attendance (
  tenant      TEXT    NOT NULL,
  session     TEXT    NOT NULL,
  participant TEXT    NOT NULL,
  sid         TEXT    NOT NULL, -- the provider's id of the stay, or of the person in this room; of a synthetic one its own ULID
  joined_ms   INTEGER NOT NULL,
  left_ms     INTEGER,          -- NULL: still there
  source      TEXT    NOT NULL, -- event, reconcile, synthetic
  PRIMARY KEY (tenant, session, participant, sid, joined_ms)
) WITHOUT ROWID;
CREATE INDEX session_attendance_joined ON session_attendance (tenant, joined_ms);

-- What the hub has to ask of the provider because of a change, written with the change.
CREATE TABLE session_effect (
  tenant   TEXT    NOT NULL,
  session  TEXT    NOT NULL,
  n        INTEGER NOT NULL, -- from 1
  kind     TEXT    NOT NULL, -- open-room, end-room, start-recording, stop-recording, collect, fetch, delete,
                            -- remove-participant
  subject  TEXT    NOT NULL, -- session_recording.id, or the participant's, or empty
  state    TEXT    NOT NULL, -- open, done, parked, refused
  attempts INTEGER NOT NULL,
  due_ms   INTEGER NOT NULL,
  code     TEXT    NOT NULL, -- of the last outcome that was not done
  PRIMARY KEY (tenant, session, n)
) WITHOUT ROWID;
CREATE INDEX session_effect_due ON session_effect (due_ms) WHERE state = 'open';

-- Recordings of sessions: from the moment that one was asked for. The content of one that is ready is `recording`, under
-- the same id.
CREATE TABLE session_recording (
  tenant     TEXT    NOT NULL,
  id         TEXT    NOT NULL, -- ULID
  number     INTEGER NOT NULL,
  session    TEXT    NOT NULL,
  sid        BLOB    NOT NULL, -- blind index of the provider's id, or empty while it has none
  status     TEXT    NOT NULL, -- recording, processing, ready, failed, deleted
  kind       TEXT    NOT NULL,
  purpose    TEXT    NOT NULL, -- care, training
  started_ms INTEGER NOT NULL,
  stopped_ms INTEGER,
  stored_ms  INTEGER,
  retain_until_ms INTEGER,
  bytes      INTEGER NOT NULL,
  sha256     TEXT    NOT NULL,
  content_type TEXT  NOT NULL,
  sealed     BLOB    NOT NULL, -- the provider's id, why it was withdrawn
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX session_recording_number ON session_recording (tenant, number);
CREATE INDEX session_recording_session ON session_recording (tenant, session, id);
CREATE UNIQUE INDEX session_recording_sid ON session_recording (tenant, session, sid) WHERE sid <> x'';

-- Requests that may come twice, and the session that each of them made.
CREATE TABLE session_request (
  tenant  TEXT NOT NULL,
  key     BLOB NOT NULL, -- blind index of the key that the caller gave
  session TEXT NOT NULL,
  PRIMARY KEY (tenant, key)
) WITHOUT ROWID;

-- Where the code of an invitation leads. The code itself is stored nowhere.
CREATE TABLE session_invitation (
  tenant     TEXT NOT NULL,
  code       BLOB NOT NULL, -- blind index
  session    TEXT NOT NULL,
  invitation TEXT NOT NULL,
  PRIMARY KEY (tenant, code)
) WITHOUT ROWID;
