-- One table of work that is due, whoever it has to reach: calls of the video provider, events that are to be told, and
-- deliveries to webhooks. A row is written with the act and leaves with its outcome; the tables of each kind keep what
-- was to be done and how it ended.
CREATE TABLE outbox (
  n        INTEGER NOT NULL PRIMARY KEY, -- drawn from number_block
  tenant   TEXT    NOT NULL,
  shard    INTEGER NOT NULL, -- 0 to 63, by the session or, without one, by what ref names (outbox::shard_of)
  kind     TEXT    NOT NULL, -- video, event, hub-event, webhook
  target   TEXT    NOT NULL, -- webhook.id, or empty
  subject  TEXT    NOT NULL, -- what leaves in the order of n: a session, its files, or empty where there is no order
  ref      TEXT    NOT NULL, -- session_effect.session, session_event.session, hub_event.id, webhook_delivery.id
  ref_n    INTEGER NOT NULL, -- session_effect.n, session_event.seq, or 0
  put_ms   INTEGER NOT NULL,
  due_ms   INTEGER NOT NULL,
  attempts INTEGER NOT NULL  -- tries that were made
);
INSERT INTO outbox (n, tenant, shard, kind, target, subject, ref, ref_n, put_ms, due_ms, attempts)
SELECT row_number() OVER (ORDER BY session, n), tenant,
  max(instr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(session, 26, 1)) - 1, 0) + 32 * (max(instr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(session, 25, 1)) - 1, 0) % 2),
  'video', '', CASE WHEN kind = 'delete' THEN '' WHEN n > 1000000 THEN session || '/files' ELSE session END, session, n, due_ms,
  due_ms, attempts FROM session_effect WHERE state = 'open';
INSERT INTO outbox (n, tenant, shard, kind, target, subject, ref, ref_n, put_ms, due_ms, attempts)
SELECT (SELECT coalesce(max(n), 0) FROM outbox) + row_number() OVER (ORDER BY at_ms, session, seq), tenant,
  max(instr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(session, 26, 1)) - 1, 0) + 32 * (max(instr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(session, 25, 1)) - 1, 0) % 2),
  'event', '', '', session, seq, at_ms, 0, 0 FROM session_event WHERE sent = 0;
INSERT INTO outbox (n, tenant, shard, kind, target, subject, ref, ref_n, put_ms, due_ms, attempts)
SELECT (SELECT coalesce(max(n), 0) FROM outbox) + row_number() OVER (ORDER BY at_ms, id), tenant,
  max(instr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(id, 26, 1)) - 1, 0) + 32 * (max(instr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(id, 25, 1)) - 1, 0) % 2),
  'hub-event', '', '', id, 0, at_ms, 0, 0 FROM hub_event WHERE sent = 0;
INSERT INTO outbox (n, tenant, shard, kind, target, subject, ref, ref_n, put_ms, due_ms, attempts)
SELECT (SELECT coalesce(max(n), 0) FROM outbox) + row_number() OVER (ORDER BY id), tenant,
  max(instr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(CASE WHEN subject = '' THEN id ELSE subject END, 26, 1)) - 1, 0) + 32 * (max(instr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(CASE WHEN subject = '' THEN id ELSE subject END, 25, 1)) - 1, 0) % 2),
  'webhook', webhook, subject, id, 0, opened_ms, due_ms, attempts FROM webhook_delivery WHERE state = 'open';
INSERT INTO number_block (name, reserved) SELECT 'outbox', n FROM outbox ORDER BY n DESC LIMIT 1;
CREATE UNIQUE INDEX outbox_ref ON outbox (tenant, kind, ref, ref_n);
CREATE INDEX outbox_first ON outbox (tenant, kind, target, n) WHERE attempts = 0;
CREATE INDEX outbox_again ON outbox (tenant, kind, target, due_ms, n) WHERE attempts > 0;
CREATE INDEX outbox_subject ON outbox (tenant, kind, target, subject, n);

DROP INDEX session_effect_due;
ALTER TABLE session_effect DROP COLUMN due_ms;
CREATE INDEX session_effect_open ON session_effect (tenant, session) WHERE state = 'open';
DROP INDEX session_event_unsent;
ALTER TABLE session_event DROP COLUMN sent;
DROP INDEX hub_event_at;
ALTER TABLE hub_event DROP COLUMN sent;
CREATE INDEX hub_event_at ON hub_event (at_ms, id);
DROP INDEX webhook_delivery_due;
DROP INDEX webhook_delivery_subject;
ALTER TABLE webhook_delivery DROP COLUMN due_ms;
