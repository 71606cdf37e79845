-- The trace (W3C Trace Context, 32 hexadecimal digits) of the request or run that caused an event. Empty when it had none.
ALTER TABLE session_event ADD COLUMN trace TEXT NOT NULL DEFAULT '';
ALTER TABLE hub_event ADD COLUMN trace TEXT NOT NULL DEFAULT '';
ALTER TABLE webhook_delivery ADD COLUMN trace TEXT NOT NULL DEFAULT '';
