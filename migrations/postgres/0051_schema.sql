-- The tables as SQLite has them after its migration 0051. From here on each change is a pair of files
-- with one number, one for each engine. What differs: BIGINT and BYTEA; text is compared by its bytes
-- (COLLATE "C"), as SQLite does; no foreign keys on tables that every turn writes; room in the pages of
-- `instance` for updates in place; tables whose rows come and go are vacuumed by a number of rows.
CREATE TABLE audit (
  seq BIGINT PRIMARY KEY, -- the position in the tree: dense, from 1
  stream BIGINT NOT NULL, -- this and the next six are copies out of the content, for look-up
  n BIGINT NOT NULL, -- the number in the stream: dense, from 1
  at_ms BIGINT NOT NULL,
  tenant TEXT COLLATE "C" NOT NULL,
  act TEXT COLLATE "C" NOT NULL,
  object TEXT COLLATE "C" NOT NULL,
  patient TEXT COLLATE "C" NOT NULL,
  canonical BYTEA NOT NULL, -- the content
  leaf BYTEA NOT NULL, -- SHA-256(0x00 | canonical)
  mac BYTEA NOT NULL -- keyed chain over the leaves
);

CREATE TABLE audit_find (
  tile BIGINT PRIMARY KEY, -- audit_tile.number
  from_ms BIGINT NOT NULL, -- the least at_ms of its entries
  to_ms BIGINT NOT NULL, -- the greatest
  keys BYTEA NOT NULL, -- of its objects and patients, 4 bytes each, ascending
  mac BYTEA NOT NULL -- over the row: a search believes no other
);

CREATE TABLE audit_tile (
  level BIGINT NOT NULL,
  number BIGINT NOT NULL,
  root BYTEA NOT NULL, -- of its 256 hashes: one hash of the level above
  hashes BYTEA NOT NULL,
  PRIMARY KEY (level, number)
);

CREATE TABLE audit_checkpoint (
  number BIGINT PRIMARY KEY, -- dense, from 1
  size BIGINT NOT NULL, -- as in note, for look-up
  note TEXT COLLATE "C" NOT NULL, -- C2SP tlog-checkpoint
  mac BYTEA NOT NULL
);
CREATE INDEX audit_checkpoint_size ON audit_checkpoint (size);

CREATE TABLE definition (
  id BIGINT PRIMARY KEY,
  tenant TEXT COLLATE "C" NOT NULL,
  namespace TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  version TEXT COLLATE "C" NOT NULL,
  sha256 TEXT COLLATE "C" NOT NULL,
  source BYTEA NOT NULL,
  deployed_ms BIGINT NOT NULL,
  active BIGINT NOT NULL,
  UNIQUE (tenant, namespace, name, version)
);

CREATE TABLE delivery (
  tenant TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  dedupe BYTEA NOT NULL,
  body_index BYTEA NOT NULL,
  status BIGINT NOT NULL,
  answer TEXT COLLATE "C" NOT NULL,
  received_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant, source, dedupe)
);

CREATE TABLE event (
  seq BIGINT PRIMARY KEY,
  uid BYTEA NOT NULL,
  tenant TEXT COLLATE "C" NOT NULL,
  origin BYTEA NOT NULL, -- blind index of source and id: the same event is stored once
  data_key BYTEA NOT NULL, -- data_key.id
  sealed BYTEA NOT NULL,
  received_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL,
  UNIQUE (tenant, origin)
);
CREATE INDEX event_expires ON event (expires_ms);

CREATE TABLE event_key (
  tenant TEXT COLLATE "C" NOT NULL,
  key BYTEA NOT NULL, -- blind index of a correlation key
  event BIGINT NOT NULL,
  PRIMARY KEY (tenant, key, event)
);
CREATE INDEX event_key_event ON event_key (event);

CREATE TABLE instance (
  num BIGINT PRIMARY KEY, -- partition << 53 | a number of its own
  id TEXT COLLATE "C" NOT NULL UNIQUE, -- ULID
  tenant TEXT COLLATE "C" NOT NULL,
  definition BIGINT NOT NULL,
  status BIGINT NOT NULL, -- workflow::InstanceStatus
  busy BIGINT NOT NULL, -- 1: has an action open or has not run its first turn; recovery replays it
  parked TEXT COLLATE "C", -- an ambiguous action a person has to decide: its call id and name
  business_key BYTEA,
  start_event BIGINT NOT NULL,
  binding BIGINT NOT NULL, -- binding.id: what its roles mean, as long as it runs
  data_key BYTEA NOT NULL, -- data_key.id
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  code TEXT COLLATE "C",
  about TEXT COLLATE "C",
  question TEXT COLLATE "C"
) WITH (fillfactor = 85);
CREATE INDEX instance_busy ON instance (busy) WHERE busy = 1;
CREATE UNIQUE INDEX instance_business_key ON instance (tenant, business_key) WHERE business_key IS NOT NULL AND status < 2;

CREATE VIEW running_instance AS SELECT * FROM instance WHERE status < 2;

CREATE TABLE journal (
  instance BIGINT NOT NULL, -- instance.num
  n BIGINT NOT NULL, -- from 0
  sealed BYTEA NOT NULL,
  PRIMARY KEY (instance, n)
);

CREATE TABLE timer (
  instance BIGINT NOT NULL,
  timer BIGINT NOT NULL,
  due_ms BIGINT NOT NULL,
  PRIMARY KEY (instance, timer)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);

CREATE TABLE subscription (
  tenant TEXT COLLATE "C" NOT NULL,
  key BYTEA NOT NULL,
  instance BIGINT NOT NULL,
  listen BIGINT NOT NULL,
  PRIMARY KEY (tenant, key, instance, listen)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
CREATE INDEX subscription_instance ON subscription (instance, listen);

CREATE TABLE dispatched (
  instance BIGINT NOT NULL,
  call BIGINT NOT NULL,
  PRIMARY KEY (instance, call)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);

CREATE TABLE plugin_kv (
  tenant TEXT COLLATE "C" NOT NULL,
  plugin TEXT COLLATE "C" NOT NULL,
  key BYTEA NOT NULL,
  data_key BYTEA NOT NULL, -- data_key.id
  value BYTEA NOT NULL,
  version BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL, -- 0: kept
  PRIMARY KEY (tenant, plugin, key)
);
CREATE INDEX plugin_kv_expires ON plugin_kv (expires_ms) WHERE expires_ms > 0;

CREATE TABLE blob (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- ULID
  tenant TEXT COLLATE "C" NOT NULL,
  content_type TEXT COLLATE "C" NOT NULL,
  bytes BIGINT NOT NULL, -- plain; 0 until finished
  sha256 TEXT COLLATE "C" NOT NULL, -- hex, plain; empty until finished
  data_key BYTEA NOT NULL, -- data_key.id
  finished BIGINT NOT NULL, -- 0 while it is written
  owner TEXT COLLATE "C" NOT NULL, -- empty until a record of the hub took it over
  created_ms BIGINT NOT NULL
);
CREATE INDEX blob_unowned ON blob (created_ms) WHERE owner = '';

CREATE TABLE plugin_config (
  tenant TEXT COLLATE "C" NOT NULL,
  plugin TEXT COLLATE "C" NOT NULL,
  version TEXT COLLATE "C" NOT NULL,
  library TEXT COLLATE "C" NOT NULL, -- hex, SHA-256 of the library that took it
  written TEXT COLLATE "C" NOT NULL, -- hex
-- for which the section, or what an older version made of it, was written; empty: for this one, it was taken as
-- it stands
  from_version TEXT COLLATE "C" NOT NULL,
  data_key BYTEA, -- data_key.id; null: the section as it stands
  config BYTEA,
  PRIMARY KEY (tenant, plugin, version)
);

CREATE TABLE consultation (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  state TEXT COLLATE "C" NOT NULL, -- consultation::State
  month TEXT COLLATE "C" NOT NULL, -- YYYY-MM of the planned start, in the facility's time zone
  seconds BIGINT NOT NULL, -- length of the session
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE INDEX consultation_month ON consultation (tenant, month, state);

CREATE TABLE recording (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL, -- ULID
  consultation TEXT COLLATE "C" NOT NULL,
  external_index BYTEA NOT NULL, -- blind index of the provider's id of the track
  kind TEXT COLLATE "C" NOT NULL,
  blob TEXT COLLATE "C" NOT NULL,
  content_type TEXT COLLATE "C" NOT NULL,
  bytes BIGINT NOT NULL,
  sha256 TEXT COLLATE "C" NOT NULL,
  stored_ms BIGINT NOT NULL,
  retain_until_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX recording_external ON recording (tenant, consultation, external_index);

CREATE TABLE definition_child (
  definition BIGINT NOT NULL REFERENCES definition (id),
  namespace TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  version TEXT COLLATE "C" NOT NULL,
  child BIGINT NOT NULL REFERENCES definition (id),
  PRIMARY KEY (definition, namespace, name, version)
);

CREATE TABLE origin (
  instance BIGINT PRIMARY KEY, -- instance.num
  input BYTEA NOT NULL, -- sealed with the instance's data key
  parent BIGINT, -- instance.num
  call BIGINT, -- of the parent
  awaited BIGINT NOT NULL, -- 1: its end is the answer of the call
  depth BIGINT NOT NULL -- parents above it
);
CREATE INDEX origin_parent ON origin (parent) WHERE parent IS NOT NULL;

CREATE TABLE child (
  parent BIGINT NOT NULL, -- instance.num
  call BIGINT NOT NULL,
  instance BIGINT NOT NULL, -- instance.num; 0: it was refused
  refused TEXT COLLATE "C", -- why: a code
  cancelled BIGINT NOT NULL, -- 1: nobody waits for it any more; it has to be cancelled
  PRIMARY KEY (parent, call)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
CREATE INDEX child_instance ON child (instance);

CREATE TABLE schedule (
  tenant TEXT COLLATE "C" NOT NULL,
  namespace TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  definition BIGINT NOT NULL REFERENCES definition (id),
  due_ms BIGINT, -- the next start; NULL: after the end of `instance`
  last_ms BIGINT, -- when the last start was due
  instance BIGINT, -- instance.num of the last start
  PRIMARY KEY (tenant, namespace, name)
);
CREATE INDEX schedule_instance ON schedule (instance);

CREATE TABLE start_set (
  tenant TEXT COLLATE "C" NOT NULL,
  namespace TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  definition BIGINT NOT NULL REFERENCES definition (id), -- whose filters the sets follow
  data_key BYTEA NOT NULL, -- data_key.id
  sealed BYTEA NOT NULL,
  version BIGINT NOT NULL, -- from 1; each change raises it
  PRIMARY KEY (tenant, namespace, name)
);

CREATE TABLE instance_patient (
  tenant TEXT COLLATE "C" NOT NULL,
  patient BYTEA NOT NULL,
  instance BIGINT NOT NULL, -- instance.num
  place BIGINT NOT NULL,
  PRIMARY KEY (tenant, patient, instance)
);
CREATE INDEX instance_patient_instance ON instance_patient (instance, place);

CREATE TABLE patient_key (
  tenant TEXT COLLATE "C" NOT NULL,
  patient BYTEA NOT NULL, -- blind index; empty: of entries whose patient is not known
  bucket TEXT COLLATE "C" NOT NULL, -- in which the key was made
  data_key BYTEA NOT NULL, -- data_key.id
  PRIMARY KEY (tenant, patient, bucket, data_key)
);

CREATE TABLE break_glass (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL, -- ULID
  instance TEXT COLLATE "C" NOT NULL, -- ULID; empty: the grant is for a patient
  patient BYTEA NOT NULL, -- blind index; empty: the patient of the instance is not known
  opened_ms BIGINT NOT NULL,
  length_ms BIGINT NOT NULL,
  boot TEXT COLLATE "C" NOT NULL, -- of the machine: clock_ms counts within it
  clock_ms BIGINT NOT NULL, -- monotonic clock when it was opened
  opened_by TEXT COLLATE "C" NOT NULL,
  uses BIGINT NOT NULL,
  ended_ms BIGINT, -- NULL: open
  ended_how TEXT COLLATE "C", -- closed, expired
  reviewed_ms BIGINT,
  PRIMARY KEY (tenant, id)
);
CREATE INDEX break_glass_open ON break_glass (tenant) WHERE ended_ms IS NULL;

CREATE TABLE data_key (
  id BYTEA NOT NULL PRIMARY KEY, -- 16 bytes, ULID
  tenant TEXT COLLATE "C" NOT NULL,
  bucket TEXT COLLATE "C" NOT NULL, -- "consultation/2036-11", "hold/case-7"
  version BIGINT NOT NULL, -- of the bucket's key
  wrapped BYTEA NOT NULL, -- 56 bytes
  shared BIGINT NOT NULL -- 1: of many small rows, one for each bucket
);
CREATE UNIQUE INDEX data_key_shared ON data_key (tenant, bucket) WHERE shared = 1;

CREATE TABLE bucket_floor (
  tenant TEXT COLLATE "C" NOT NULL,
  bucket TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (tenant, bucket)
);

CREATE TABLE hold (
  tenant TEXT COLLATE "C" NOT NULL,
  data_key BYTEA NOT NULL,
  hold_case TEXT COLLATE "C" NOT NULL,
  object TEXT COLLATE "C" NOT NULL, -- what was held: "instance:01K..."
  bucket TEXT COLLATE "C" NOT NULL, -- where it was, and goes back to
  held_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant, data_key)
);

CREATE TABLE key_task (
  tenant TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  cursor BYTEA NOT NULL, -- the last id that was looked at
  forget BIGINT NOT NULL, -- 1: then the old versions of the buckets' keys go
  actor TEXT COLLATE "C" NOT NULL,
  reason TEXT COLLATE "C" NOT NULL,
  started_ms BIGINT NOT NULL,
  rewrapped BIGINT NOT NULL
);

CREATE TABLE binding (
  id BIGINT PRIMARY KEY,
  tenant TEXT COLLATE "C" NOT NULL,
  roles TEXT COLLATE "C" NOT NULL, -- JSON: role -> plugin://<id> or hub://<service>, keys sorted
  UNIQUE (tenant, roles)
);

CREATE TABLE person (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL, -- ULID
  number BIGINT NOT NULL, -- from 1 in each tenant
  active BIGINT NOT NULL, -- 0: may neither sign in nor act
  licence TEXT COLLATE "C" NOT NULL, -- identity::Licence
  issuer TEXT COLLATE "C" NOT NULL, -- whose tokens decide about the roles; empty: an administrator does
  pseudonym BYTEA NOT NULL, -- the blind index under which the audit log knows the person
  data_key BYTEA NOT NULL, -- data_key.id
  sealed BYTEA NOT NULL, -- the profile, JSON
  version BIGINT NOT NULL, -- one more with each change
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX person_number ON person (tenant, number);

CREATE TABLE person_role (
  tenant TEXT COLLATE "C" NOT NULL,
  person TEXT COLLATE "C" NOT NULL,
  role TEXT COLLATE "C" NOT NULL, -- identity::Role
  PRIMARY KEY (tenant, person, role)
);
CREATE INDEX person_role_role ON person_role (tenant, role, person);

CREATE TABLE person_alias (
  tenant TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL, -- username, email, phone, identifier, mrn, external
  value BYTEA NOT NULL,
  person TEXT COLLATE "C" NOT NULL,
  sole BIGINT NOT NULL, -- 1: no other person may have it
  PRIMARY KEY (tenant, kind, value, person)
);
CREATE UNIQUE INDEX person_alias_sole ON person_alias (tenant, kind, value) WHERE sole = 1;
CREATE INDEX person_alias_person ON person_alias (tenant, person);

CREATE TABLE credential (
  tenant TEXT COLLATE "C" NOT NULL,
  person TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL, -- password, totp, recovery, activation
  id TEXT COLLATE "C" NOT NULL, -- counts the recovery codes; empty for the others
  state TEXT COLLATE "C" NOT NULL, -- pending, active
  sealed BYTEA NOT NULL, -- PHC string of a password, secret of a TOTP, SHA-256 of a code
  last_step BIGINT NOT NULL, -- TOTP: the newest step that was used; activation: when it ends
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant, person, kind, id)
);

CREATE TABLE login_session (
  token BYTEA NOT NULL PRIMARY KEY, -- SHA-256 of the bearer token or cookie
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL, -- ULID
  person TEXT COLLATE "C" NOT NULL,
  factors TEXT COLLATE "C" NOT NULL, -- "pwd", "pwd otp"
  created_ms BIGINT NOT NULL,
  seen_ms BIGINT NOT NULL, -- written at most once a minute
  ends_ms BIGINT NOT NULL, -- absolute
  issuer TEXT COLLATE "C" NOT NULL DEFAULT '',
  issuer_session TEXT COLLATE "C" NOT NULL DEFAULT '',
  strong_ms BIGINT NOT NULL DEFAULT 0,
  proven_ms BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX login_session_person ON login_session (tenant, person, created_ms);

CREATE TABLE login_attempt (
  tenant TEXT COLLATE "C" NOT NULL,
  subject BYTEA NOT NULL, -- blind index
  failures BIGINT NOT NULL,
  until_ms BIGINT NOT NULL, -- nothing is tried before
  last_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant, subject)
);
CREATE INDEX login_attempt_last ON login_attempt (tenant, last_ms);

CREATE TABLE session (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL, -- ULID
  number BIGINT NOT NULL, -- counts from 1 in each tenant
  version BIGINT NOT NULL, -- rises with each change of the document
  events BIGINT NOT NULL, -- session_event.seq of the newest event
  status TEXT COLLATE "C" NOT NULL, -- consultation::SessionStatus
  type TEXT COLLATE "C" NOT NULL, -- consultation::SessionType
  booking TEXT COLLATE "C" NOT NULL, -- direct, clinic, or empty
  provider TEXT COLLATE "C" NOT NULL, -- person's ULID, or empty, as in the next one
  patient TEXT COLLATE "C" NOT NULL,
  visit TEXT COLLATE "C" NOT NULL, -- ULID, or empty, as in the next three
  clinic TEXT COLLATE "C" NOT NULL,
  consultation TEXT COLLATE "C" NOT NULL,
  follow_up_of TEXT COLLATE "C" NOT NULL,
  appointment TEXT COLLATE "C" NOT NULL, -- hex of a blind index, or empty
  room_sid TEXT COLLATE "C" NOT NULL, -- the provider's id of the room, or empty
  door TEXT COLLATE "C" NOT NULL, -- which way it was created
  at_ms BIGINT NOT NULL, -- planned start, or when it was created
  scheduled_ms BIGINT,
  planned_minutes BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  started_ms BIGINT,
  ended_ms BIGINT,
  due_ms BIGINT, -- when the hub has to look at it without being asked; NULL: never
  data_key BYTEA NOT NULL, -- data_key.id
  patient_by TEXT COLLATE "C" NOT NULL DEFAULT '',
  booked_by TEXT COLLATE "C" NOT NULL DEFAULT '',
  PRIMARY KEY (tenant, id)
);
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

CREATE TABLE session_sealed (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  sealed BYTEA NOT NULL,
  PRIMARY KEY (tenant, id)
);

CREATE TABLE session_member (
  tenant TEXT COLLATE "C" NOT NULL,
  person TEXT COLLATE "C" NOT NULL, -- ULID
  session TEXT COLLATE "C" NOT NULL,
  participant TEXT COLLATE "C" NOT NULL, -- ULID
  role TEXT COLLATE "C" NOT NULL,
  admission TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, person, session)
);
CREATE INDEX session_member_session ON session_member (tenant, session);

CREATE TABLE session_event (
  tenant TEXT COLLATE "C" NOT NULL,
  session TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL, -- from 1
  type TEXT COLLATE "C" NOT NULL, -- without the prefix
  at_ms BIGINT NOT NULL,
  actor TEXT COLLATE "C" NOT NULL,
  data TEXT COLLATE "C" NOT NULL, -- JSON
  sent BIGINT NOT NULL, -- 1: workflows have it
  trace TEXT COLLATE "C" NOT NULL DEFAULT '',
  PRIMARY KEY (tenant, session, seq)
);
CREATE INDEX session_event_unsent ON session_event (at_ms) WHERE sent = 0;

CREATE TABLE session_attendance (
  tenant TEXT COLLATE "C" NOT NULL,
  session TEXT COLLATE "C" NOT NULL,
  participant TEXT COLLATE "C" NOT NULL,
  sid TEXT COLLATE "C" NOT NULL, -- the provider's id of the stay, or of the person in this room; of a synthetic one its own ULID
  joined_ms BIGINT NOT NULL,
  left_ms BIGINT, -- NULL: still there
  source TEXT COLLATE "C" NOT NULL, -- event, reconcile, synthetic
  PRIMARY KEY (tenant, session, participant, sid, joined_ms)
);
CREATE INDEX session_attendance_joined ON session_attendance (tenant, joined_ms);

CREATE TABLE session_effect (
  tenant TEXT COLLATE "C" NOT NULL,
  session TEXT COLLATE "C" NOT NULL,
  n BIGINT NOT NULL, -- from 1
  kind TEXT COLLATE "C" NOT NULL, -- open-room, end-room, start-recording, stop-recording, collect, fetch, delete,
-- remove-participant
  subject TEXT COLLATE "C" NOT NULL, -- session_recording.id, or the participant's, or empty
  state TEXT COLLATE "C" NOT NULL, -- open, done, parked, refused
  attempts BIGINT NOT NULL,
  due_ms BIGINT NOT NULL,
  code TEXT COLLATE "C" NOT NULL, -- of the last outcome that was not done
  PRIMARY KEY (tenant, session, n)
);
CREATE INDEX session_effect_due ON session_effect (due_ms) WHERE state = 'open';

CREATE TABLE session_recording (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL, -- ULID
  number BIGINT NOT NULL,
  session TEXT COLLATE "C" NOT NULL,
  sid BYTEA NOT NULL, -- blind index of the provider's id, or empty while it has none
  status TEXT COLLATE "C" NOT NULL, -- recording, processing, ready, failed, deleted
  kind TEXT COLLATE "C" NOT NULL,
  purpose TEXT COLLATE "C" NOT NULL, -- care, training
  started_ms BIGINT NOT NULL,
  stopped_ms BIGINT,
  stored_ms BIGINT,
  retain_until_ms BIGINT,
  bytes BIGINT NOT NULL,
  sha256 TEXT COLLATE "C" NOT NULL,
  content_type TEXT COLLATE "C" NOT NULL,
  sealed BYTEA NOT NULL, -- the provider's id, why it was withdrawn
  copy TEXT COLLATE "C" NOT NULL DEFAULT 'kept',
  problem TEXT COLLATE "C" NOT NULL DEFAULT '',
  PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX session_recording_number ON session_recording (tenant, number);
CREATE INDEX session_recording_session ON session_recording (tenant, session, id);
CREATE UNIQUE INDEX session_recording_sid ON session_recording (tenant, session, sid) WHERE sid <> ''::bytea;

CREATE TABLE session_request (
  tenant TEXT COLLATE "C" NOT NULL,
  key BYTEA NOT NULL, -- blind index of the key that the caller gave
  session TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, key)
);

CREATE TABLE session_invitation (
  tenant TEXT COLLATE "C" NOT NULL,
  code BYTEA NOT NULL, -- blind index
  session TEXT COLLATE "C" NOT NULL,
  invitation TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, code)
);

CREATE TABLE session_record (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL, -- ULID
  kind TEXT COLLATE "C" NOT NULL, -- consultation::RecordKind
  number BIGINT NOT NULL, -- counts from 1 for each tenant and kind
  session TEXT COLLATE "C" NOT NULL,
  author TEXT COLLATE "C" NOT NULL, -- ULID of the participant; empty: a workflow
  state TEXT COLLATE "C" NOT NULL, -- draft, final, amended; issued, cancelled, dispensed; proposed, booked, done; or empty
  at_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  version BIGINT NOT NULL, -- rises with each change; the sealed document is bound to it
  client BYTEA NOT NULL, -- blind index of what tells a repeat, or empty
  blob TEXT COLLATE "C" NOT NULL, -- content of a document, or empty
  sealed BYTEA NOT NULL, -- with the session's data key
  PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX session_record_number ON session_record (tenant, kind, number);
CREATE INDEX session_record_session ON session_record (tenant, session, kind, id);
CREATE UNIQUE INDEX session_record_client ON session_record (tenant, session, kind, author, client) WHERE client <> ''::bytea;

CREATE TABLE quality_sample (
  tenant TEXT COLLATE "C" NOT NULL,
  session TEXT COLLATE "C" NOT NULL,
  participant TEXT COLLATE "C" NOT NULL,
  at_ms BIGINT NOT NULL,
  direction TEXT COLLATE "C" NOT NULL, -- up, down
  figures TEXT COLLATE "C" NOT NULL, -- JSON: lossPercent, jitterMs, rttMs, kbps, width, height, fps, mos
  PRIMARY KEY (tenant, session, participant, at_ms, direction)
);
CREATE INDEX quality_sample_at ON quality_sample (at_ms);

CREATE TABLE quality_summary (
  tenant TEXT COLLATE "C" NOT NULL,
  session TEXT COLLATE "C" NOT NULL,
  participant TEXT COLLATE "C" NOT NULL,
  samples BIGINT NOT NULL,
  mos_sum BIGINT NOT NULL,
  loss_sum BIGINT NOT NULL,
  jitter_sum BIGINT NOT NULL,
  rtt_sum BIGINT NOT NULL,
  bytes_up BIGINT NOT NULL,
  bytes_down BIGINT NOT NULL,
  seconds BIGINT NOT NULL,
  ladder TEXT COLLATE "C" NOT NULL, -- JSON of consultation::Ladder
  updated_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant, session, participant)
);

CREATE TABLE visit (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL, -- ULID
  number BIGINT NOT NULL, -- counts from 1 in each tenant, as everywhere here
  version BIGINT NOT NULL,
  patient TEXT COLLATE "C" NOT NULL, -- person's ULID
  provider TEXT COLLATE "C" NOT NULL, -- person's ULID, or empty
  status TEXT COLLATE "C" NOT NULL, -- OPEN, CLOSED
  opened_ms BIGINT NOT NULL,
  closed_ms BIGINT,
  external BYTEA NOT NULL, -- blind index of system and value, or empty
  data_key BYTEA NOT NULL, -- data_key.id, or empty
  sealed BYTEA NOT NULL, -- {system, value}, or empty
  opened_by TEXT COLLATE "C" NOT NULL DEFAULT '',
  PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX visit_number ON visit (tenant, number);
CREATE UNIQUE INDEX visit_external ON visit (tenant, external) WHERE external <> ''::bytea;

CREATE TABLE clinic (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  number BIGINT NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  name_ar TEXT COLLATE "C" NOT NULL,
  time_zone TEXT COLLATE "C" NOT NULL,
  active BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX clinic_number ON clinic (tenant, number);

CREATE TABLE clinic_session (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  number BIGINT NOT NULL,
  clinic TEXT COLLATE "C" NOT NULL,
  provider TEXT COLLATE "C" NOT NULL,
  starts_ms BIGINT NOT NULL,
  ends_ms BIGINT NOT NULL,
  capacity BIGINT NOT NULL,
  booked BIGINT NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX clinic_session_number ON clinic_session (tenant, number);
CREATE INDEX clinic_session_clinic ON clinic_session (tenant, clinic, starts_ms);

CREATE TABLE slot (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  provider TEXT COLLATE "C" NOT NULL,
  starts_ms BIGINT NOT NULL,
  ends_ms BIGINT NOT NULL,
  clinic TEXT COLLATE "C" NOT NULL, -- or empty
  status TEXT COLLATE "C" NOT NULL, -- free, booked, blocked
  PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX slot_provider ON slot (tenant, provider, starts_ms);

CREATE TABLE place (
  tenant TEXT COLLATE "C" NOT NULL,
  session TEXT COLLATE "C" NOT NULL,
  clinic_session TEXT COLLATE "C" NOT NULL,
  slot TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, session)
);

CREATE TABLE presence (
  tenant TEXT COLLATE "C" NOT NULL,
  person TEXT COLLATE "C" NOT NULL,
  status TEXT COLLATE "C" NOT NULL, -- online, offline, busy
  set_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant, person)
);

CREATE TABLE usage_alert (
  tenant TEXT COLLATE "C" NOT NULL,
  month TEXT COLLATE "C" NOT NULL, -- 2026-11
  threshold BIGINT NOT NULL, -- percent
  minutes BIGINT NOT NULL, -- when it was noticed
  at_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant, month, threshold)
);

CREATE TABLE replay (
  tenant TEXT COLLATE "C" NOT NULL,
  key BYTEA NOT NULL, -- keyed hash of caller, operation and key
  fingerprint BYTEA NOT NULL, -- keyed hash of what was asked
  status BIGINT NOT NULL, -- of the answer; 0 while the call runs
  data_key BYTEA NOT NULL, -- data_key.id, or empty while the call runs
  sealed BYTEA NOT NULL, -- headers and body
  expires_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant, key)
);
CREATE INDEX replay_expires ON replay (expires_ms);

CREATE TABLE webhook (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL, -- ULID
  name TEXT COLLATE "C" NOT NULL,
  origin TEXT COLLATE "C" NOT NULL, -- api, configuration
  url TEXT COLLATE "C" NOT NULL,
  wants TEXT COLLATE "C" NOT NULL, -- JSON: webhooks::Wants
  state TEXT COLLATE "C" NOT NULL, -- active; paused: by an administrator; gone: the receiver answered 410; removed: from the configuration
  version BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  data_key BYTEA NOT NULL, -- data_key.id, or empty when the secrets stand outside
  sealed BYTEA NOT NULL, -- secrets, or empty
  PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX webhook_name ON webhook (tenant, name);

CREATE TABLE webhook_delivery (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL, -- ULID
  webhook TEXT COLLATE "C" NOT NULL,
  event TEXT COLLATE "C" NOT NULL, -- the event's id, which is sent as webhook-id
  type TEXT COLLATE "C" NOT NULL, -- the event's
  body TEXT COLLATE "C" NOT NULL, -- as it is sent
  state TEXT COLLATE "C" NOT NULL, -- open, done, dead
  attempts BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  opened_ms BIGINT NOT NULL, -- when it was made or replayed
  due_ms BIGINT NOT NULL,
  tried_ms BIGINT,
  status BIGINT NOT NULL, -- of the last answer, or 0
  code TEXT COLLATE "C" NOT NULL, -- of the last failure, or empty
  topic TEXT COLLATE "C" NOT NULL DEFAULT '',
  subject TEXT COLLATE "C" NOT NULL DEFAULT '',
  trace TEXT COLLATE "C" NOT NULL DEFAULT '',
  PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX webhook_delivery_event ON webhook_delivery (tenant, webhook, event);
CREATE INDEX webhook_delivery_due ON webhook_delivery (tenant, webhook, due_ms) WHERE state = 'open';
CREATE INDEX webhook_delivery_state ON webhook_delivery (tenant, webhook, state, id);
CREATE INDEX webhook_delivery_opened ON webhook_delivery (state, opened_ms);

CREATE TABLE hub_event (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL, -- ULID
  type TEXT COLLATE "C" NOT NULL, -- without the prefix
  at_ms BIGINT NOT NULL,
  data TEXT COLLATE "C" NOT NULL, -- JSON
  sent BIGINT NOT NULL, -- 1: all have it
  trace TEXT COLLATE "C" NOT NULL DEFAULT '',
  PRIMARY KEY (tenant, id)
);
CREATE INDEX hub_event_type ON hub_event (tenant, type, id);

CREATE TABLE principal_epoch (
  tenant TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C" NOT NULL, -- "person:<ULID>", "client:<id>"
  epoch BIGINT NOT NULL, -- from the sequence principal-epoch; the newest change is the highest
  PRIMARY KEY (tenant, subject)
);
CREATE UNIQUE INDEX principal_epoch_epoch ON principal_epoch (epoch);

CREATE TABLE client (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL, -- 2 to 40 letters, digits and hyphens
  name TEXT COLLATE "C" NOT NULL,
  active BIGINT NOT NULL,
  roles TEXT COLLATE "C" NOT NULL, -- names, with spaces between them; no clinical ones
  addresses TEXT COLLATE "C" NOT NULL, -- from where it calls: "10.0.0.0/8 2001:db8::/32"; from anywhere if there are none
  jwks TEXT COLLATE "C" NOT NULL, -- its public keys (RFC 7517), with which it signs assertions; may be empty
  version BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant, id)
);

CREATE TABLE client_key (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL, -- stands in the key's text
  client TEXT COLLATE "C" NOT NULL,
  mac BYTEA NOT NULL, -- HMAC-SHA-256 of the secret under a key of the keyring
  created_ms BIGINT NOT NULL,
  ends_ms BIGINT NOT NULL,
  used_day BIGINT NOT NULL, -- days since 1970 at the last use, 0 before the first one
  PRIMARY KEY (tenant, id)
);
CREATE INDEX client_key_client ON client_key (tenant, client, created_ms);

CREATE TABLE client_token (
  token BYTEA NOT NULL PRIMARY KEY, -- SHA-256
  tenant TEXT COLLATE "C" NOT NULL,
  client TEXT COLLATE "C" NOT NULL,
  roles TEXT COLLATE "C" NOT NULL, -- no more than the client's
  ends_ms BIGINT NOT NULL,
  certificate TEXT COLLATE "C" NOT NULL DEFAULT ''
);
CREATE INDEX client_token_ends ON client_token (ends_ms);

CREATE TABLE used_once (
  tenant TEXT COLLATE "C" NOT NULL,
  value BYTEA NOT NULL, -- SHA-256 of who said it and what
  ends_ms BIGINT NOT NULL, -- the row may go
  PRIMARY KEY (tenant, value)
);
CREATE INDEX used_once_ends ON used_once (ends_ms);

CREATE TABLE oidc_flow (
  state BYTEA NOT NULL PRIMARY KEY, -- SHA-256
  tenant TEXT COLLATE "C" NOT NULL,
  issuer TEXT COLLATE "C" NOT NULL,
  browser BYTEA NOT NULL, -- SHA-256 of what the browser keeps
  return_to TEXT COLLATE "C" NOT NULL,
  ends_ms BIGINT NOT NULL
);
CREATE INDEX oidc_flow_ends ON oidc_flow (ends_ms);

CREATE TABLE passkey (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL, -- ULID
  credential BYTEA NOT NULL, -- SHA-256 of the id that its authenticator gave it
  person TEXT COLLATE "C" NOT NULL,
  sealed BYTEA NOT NULL, -- JSON: its id and public key, its name; under the person's data key
  sign_count BIGINT NOT NULL, -- the newest that its authenticator has shown
  created_ms BIGINT NOT NULL,
  used_ms BIGINT NOT NULL, -- 0 before the first use
  PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX passkey_credential ON passkey (tenant, credential);
CREATE INDEX passkey_person ON passkey (tenant, person, id);

CREATE TABLE ceremony (
  handle BYTEA NOT NULL PRIMARY KEY, -- SHA-256 of what whoever began it was given
  tenant TEXT COLLATE "C" NOT NULL,
  use TEXT COLLATE "C" NOT NULL, -- register, sign_in, step_up
  person TEXT COLLATE "C" NOT NULL, -- empty: whoever signs in
  session TEXT COLLATE "C" NOT NULL, -- in which it was begun
  challenge BYTEA NOT NULL,
  ends_ms BIGINT NOT NULL
);
CREATE INDEX ceremony_ends ON ceremony (ends_ms);

CREATE TABLE bootstrap (
  tenant TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  code BYTEA NOT NULL, -- SHA-256; empty when the door is closed
  tries BIGINT NOT NULL, -- that failed
  ends_ms BIGINT NOT NULL,
  done BIGINT NOT NULL -- 1: there was a first administrator
);

CREATE TABLE usage_record (
  tenant TEXT COLLATE "C" NOT NULL,
  month TEXT COLLATE "C" NOT NULL, -- 2026-11, in the time zone of the metering
  session TEXT COLLATE "C" NOT NULL,
  participant TEXT COLLATE "C" NOT NULL,
  n BIGINT NOT NULL, -- from 1
  kind TEXT COLLATE "C" NOT NULL, -- attendance: at the end; adjustment: later
  seconds BIGINT NOT NULL, -- of an adjustment: what is to be added, which may be less than 0
  at_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant, month, session, participant, n)
);
CREATE INDEX usage_record_session ON usage_record (tenant, session);
CREATE INDEX session_recording_status ON session_recording (tenant, status, bytes);

CREATE TABLE onboarding_step (
  tenant TEXT COLLATE "C" NOT NULL,
  patient TEXT COLLATE "C" NOT NULL, -- person's ULID
  step TEXT COLLATE "C" NOT NULL, -- device_checked, consent_shown, language_chosen
  value TEXT COLLATE "C" NOT NULL, -- the language, or empty
  at_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant, patient, step)
);

CREATE TABLE client_certificate (
  tenant TEXT COLLATE "C" NOT NULL,
  value TEXT COLLATE "C" NOT NULL, -- "x5t#S256:<digest>", "uri:<name>" or "dns:<name>"; of one client
  client TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, value)
);
CREATE INDEX client_certificate_client ON client_certificate (tenant, client);

CREATE TABLE approval (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  act TEXT COLLATE "C" NOT NULL, -- "key.shred"
  asker TEXT COLLATE "C" NOT NULL, -- as the audit log has it
  asker_person TEXT COLLATE "C" NOT NULL, -- empty when no person asked
  object TEXT COLLATE "C" NOT NULL, -- the person whom it is about, who does not confirm it; may be empty
  fingerprint BYTEA NOT NULL, -- blind index of the whole request
  data_key BYTEA NOT NULL,
  sealed BYTEA NOT NULL, -- what was asked, for who confirms it
  state TEXT COLLATE "C" NOT NULL, -- "asked", "confirmed", "refused", "used"
  confirmer TEXT COLLATE "C" NOT NULL, -- as the audit log has it; empty before
  asked_ms BIGINT NOT NULL,
  ends_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE INDEX approval_ends ON approval (ends_ms);
CREATE INDEX webhook_delivery_subject ON webhook_delivery (tenant, webhook, subject, id) WHERE state = 'open';

CREATE TABLE ended_token (
  tenant TEXT COLLATE "C" NOT NULL,
  value TEXT COLLATE "C" NOT NULL, -- "token:<digest of what was signed>", or "person:<id>" for all his
  before_ms BIGINT NOT NULL, -- of a person: those issued before; 0 for one token
  ends_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant, value)
);
CREATE INDEX ended_token_ends ON ended_token (ends_ms);
CREATE INDEX session_provider_at ON session (tenant, provider, at_ms) WHERE provider <> '';
CREATE INDEX hub_event_at ON hub_event (sent, at_ms, id);
CREATE INDEX session_booked_by ON session (tenant, booked_by) WHERE booked_by <> '' AND ended_ms IS NULL;
CREATE INDEX session_recording_waits ON session_recording (tenant, session) WHERE status IN ('recording', 'processing');
CREATE INDEX instance_of_business_key ON instance (tenant, business_key, start_event) WHERE business_key IS NOT NULL;

CREATE TABLE delivery_outcome (
  id BIGINT PRIMARY KEY,
  tenant TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  outcome TEXT COLLATE "C" NOT NULL, -- signature, unreadable, not_taken, unused
  at_ms BIGINT NOT NULL,
  client TEXT COLLATE "C" NOT NULL, -- address
  request TEXT COLLATE "C" NOT NULL, -- X-Request-Id, or empty
  code TEXT COLLATE "C" NOT NULL,
  reason TEXT COLLATE "C" NOT NULL, -- for the operator
  length BIGINT NOT NULL, -- bytes of the body
  uid BYTEA NOT NULL,
  data_key BYTEA NOT NULL, -- data_key.id, or empty when no body is kept
  sealed BYTEA NOT NULL -- the body, of `unreadable` only
);
CREATE INDEX delivery_outcome_source ON delivery_outcome (tenant, source, id);
CREATE INDEX delivery_outcome_body ON delivery_outcome (at_ms) WHERE data_key != ''::bytea;

CREATE TABLE delivery_outcome_total (
  tenant TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  outcome TEXT COLLATE "C" NOT NULL,
  total BIGINT NOT NULL,
  PRIMARY KEY (tenant, source, outcome)
);

CREATE TABLE person_known (
  tenant TEXT COLLATE "C" NOT NULL,
  value BYTEA NOT NULL, -- as in person_alias
  person TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL, -- identifier, mrn, phone, email
  PRIMARY KEY (tenant, value, person)
);
CREATE INDEX person_known_person ON person_known (tenant, person);

CREATE TABLE session_guest (
  tenant TEXT COLLATE "C" NOT NULL,
  secret BYTEA NOT NULL, -- blind index
  session TEXT COLLATE "C" NOT NULL,
  invitation TEXT COLLATE "C" NOT NULL,
  participant TEXT COLLATE "C" NOT NULL,
  generation BIGINT NOT NULL, -- of the invitation; an older one opens nothing
  tap BYTEA NOT NULL, -- blind index of the key by which the page repeats its request, or empty
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant, secret)
);
CREATE INDEX session_guest_invitation ON session_guest (tenant, invitation, generation);

CREATE TABLE session_message (
  tenant TEXT COLLATE "C" NOT NULL,
  session TEXT COLLATE "C" NOT NULL,
  participant TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL, -- booked, moved, cancelled, day_before, soon
  version BIGINT NOT NULL, -- of the session's schedule
  outcome TEXT COLLATE "C" NOT NULL, -- sent, no_phone, failed
  at_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant, session, participant, kind, version)
);
CREATE INDEX instance_list ON instance (tenant, status, id, definition, code, updated_ms);
CREATE INDEX instance_parked ON instance (tenant, id) WHERE parked IS NOT NULL;
CREATE INDEX break_glass_unreviewed ON break_glass (tenant, opened_ms) WHERE reviewed_ms IS NULL;

CREATE TABLE restart (
  instance BIGINT PRIMARY KEY, -- instance.num of the new one
  of BIGINT NOT NULL -- instance.num of the old one, which is started again once
);
CREATE UNIQUE INDEX restart_of ON restart (of);

CREATE TABLE task (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL, -- ULID
  call TEXT COLLATE "C" NOT NULL, -- hex of the blind index of the call that opened it: a repeat opens nothing
  kind TEXT COLLATE "C" NOT NULL,
  title TEXT COLLATE "C" NOT NULL, -- a code; texts belong to those who show it
  role TEXT COLLATE "C" NOT NULL, -- or empty
  assignee TEXT COLLATE "C" NOT NULL, -- ULID of a person, or empty
  escalation TEXT COLLATE "C" NOT NULL, -- role that may answer once it is overdue, or empty
  object_type TEXT COLLATE "C" NOT NULL, -- session, instance
  object TEXT COLLATE "C" NOT NULL, -- ULID
  instance TEXT COLLATE "C" NOT NULL, -- ULID of the instance that opened it
  patient TEXT COLLATE "C" NOT NULL, -- pseudonym, or empty
  state TEXT COLLATE "C" NOT NULL, -- open, claimed, done, cancelled
  opened_ms BIGINT NOT NULL,
  due_ms BIGINT,
  overdue BIGINT NOT NULL, -- 1 once it was told
  claimed_by TEXT COLLATE "C" NOT NULL, -- or empty
  claimed_ms BIGINT,
  decided_by TEXT COLLATE "C" NOT NULL, -- who has answered or cancelled it, or empty
  decided_ms BIGINT,
  version BIGINT NOT NULL,
  data_key BYTEA NOT NULL,
  sealed BYTEA NOT NULL, -- question, data and form
  answer BYTEA, -- sealed
  PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX task_call ON task (tenant, call);
CREATE INDEX task_living ON task (tenant, id) WHERE state IN ('open', 'claimed');
CREATE INDEX task_object ON task (tenant, object);
CREATE INDEX task_instance ON task (tenant, instance);
CREATE INDEX task_due ON task (due_ms) WHERE overdue = 0 AND due_ms IS NOT NULL AND state IN ('open', 'claimed');
